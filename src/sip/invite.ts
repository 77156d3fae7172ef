import type { CallFacts } from '../domain/call.ts'
import type { LeftOut, Round } from '../domain/routing.ts'
import type { BegunCall } from '../flow/begin-call.ts'
import type { DialledRound, NextRound } from '../flow/dial-leg.ts'
import type { LegFacts } from '../flow/leg-facts.ts'
import { bridge } from './bridged-call.ts'
import { callerCancelled, type Ending, refuse, serverLost } from './ending.ts'
import { bestAnswer } from './failure.ts'
import {
  begin,
  type Call,
  createCall,
  type IncomingCall,
  type InviteDeps,
  type LiveCall,
  reachability,
} from './live-call.ts'
import { ringRound, type RoundResult } from './ring-round.ts'

/**
 * Takes one call from its INVITE to its end: stored before a buyer is dialled, tried with each buyer in turn,
 * bridged, and ended. `onLive` is told when the call begins. Its place is given back when nobody is on the line
 * any more; the promise settles when its end is stored, which may take as long as the database is away.
 */
export async function runCall(
  deps: InviteDeps,
  incoming: IncomingCall,
  onLive: (call: LiveCall) => void,
): Promise<void> {
  const call = createCall(deps, incoming)
  onLive(call)
  const ending = await takeCall(call).finally(incoming.leave)
  if (ending) await end(call, ending)
}

/**
 * How the call ended; undefined for one that could not be stored, which has no end to store either. Should its
 * beginning have been committed after all, it is a forgotten call, and those are closed every few seconds.
 */
async function takeCall(call: Call): Promise<Ending | undefined> {
  const { deps, callUuid } = call
  const begun = await begin(call).catch((error: unknown) => {
    deps.log.error('call.not_stored', { call_uuid: callUuid, error })
  })
  if (begun) return connect(call, begun).catch((error: unknown) => fail(call, error))
  refuse(call, 503, 'not_stored', [])
  return undefined
}

async function connect(call: Call, { facts, plan }: BegunCall): Promise<Ending> {
  logLeftOut(call, plan.leftOut)
  return tryBuyers(call, facts, firstTurn(plan.rounds))
}

/** A mistake of ours ends this call and no other: it is refused, and nobody rings on. */
function fail(call: Call, error: unknown): Ending {
  call.deps.log.error('call.failed', { call_uuid: call.callUuid, error })
  call.hangUp('bridge_failed')
  return refuse(call, 500, 'bridge_failed', [])
}

async function end({ deps, callUuid, startedAtMs }: Call, ending: Ending): Promise<void> {
  const { bridged, ...facts } = ending
  await bridged
  return deps.flow.endCall({ ...facts, callUuid, totalMs: ending.endedAtMs - startedAtMs })
}

/** Where a call stands among its buyers. */
interface Turn {
  readonly round: Round
  readonly rest: readonly Round[]
  /** The number of the round's first leg. */
  readonly firstLeg: number
  /** What the failures so far would have us answer, and the reason of the last one. */
  readonly answers: readonly number[]
  readonly reason: string
}

const firstTurn = ([round = [], ...rest]: readonly Round[]): Turn => ({
  round,
  rest,
  firstLeg: 1,
  answers: [],
  reason: 'no_buyer',
})

/** Rings one round of buyers after the other until one answers or there is no use in going on. */
async function tryBuyers(call: Call, facts: CallFacts, turn: Turn): Promise<Ending> {
  const { round, rest, firstLeg, answers, reason } = turn
  if (call.isCancelled) return callerCancelled(unrung(turn))
  if (round.length === 0) return refuse(call, bestAnswer(answers), reason, [])
  const result = await ringRound(call, facts, { round, firstLeg, isLast: rest.length === 0 })
  switch (result.kind) {
    case 'answered':
      return bridge(call, facts, result.answered)
    case 'cancelled':
      return refuse(call, 503, 'draining', result.legs)
    case 'server_lost':
      return serverLost(result.legs)
    case 'failed':
      return goOn(call, facts, turn, result)
  }
}

/** Goes on to the next round, unless the failure forbids it. */
async function goOn(
  call: Call,
  facts: CallFacts,
  { round, rest, firstLeg, answers: before }: Turn,
  { failures, legs: failed }: Extract<RoundResult, { kind: 'failed' }>,
): Promise<Ending> {
  const answers = [...before, ...failures.map(({ answer }) => answer)]
  const reason = failures.at(-1)?.reason ?? 'no_buyer'
  const final = failures.find(({ isNextTried }) => !isNextTried)
  if (final) return refuse(call, final.answer, final.reason, failed)
  if (rest.length === 0) return refuse(call, bestAnswer(answers), reason, failed)
  const isReachable = reachability(call.deps)
  const next = { facts, failed, rounds: rest, firstLeg: firstLeg + round.length, isReachable }
  const dialled = await storeNextRound(call, next)
  if (!dialled) return refuse(call, 503, 'not_stored', failed)
  return tryBuyers(call, facts, { ...dialled, firstLeg: next.firstLeg, answers, reason })
}

async function storeNextRound(
  call: Call,
  next: Omit<NextRound, 'rules'>,
): Promise<DialledRound | undefined> {
  const { deps, callUuid, admitted } = call
  try {
    const rules = admitted.found.campaign
    const dialled = await deps.flow.dialNextRound({ ...next, rules })
    logLeftOut(call, dialled.leftOut)
    return dialled
  } catch (error) {
    deps.log.error('leg.not_stored', { call_uuid: callUuid, leg: next.firstLeg, error })
    return undefined
  }
}

/** Legs that are stored as dialled, though the caller was gone before they were. */
const unrung = ({ round, firstLeg }: Turn): readonly LegFacts[] =>
  round.map((_, index) => ({
    leg: firstLeg + index,
    endedAtMs: performance.now(),
    fault: 'caller',
    reason: 'cancelled',
  }))

function logLeftOut({ deps, callUuid }: Call, leftOut: readonly LeftOut[]): void {
  if (leftOut.length === 0) return
  const buyers = leftOut.map(({ buyerId, reason }) => `${buyerId} ${reason}`)
  deps.log.info('call.buyers_left_out', { call_uuid: callUuid, buyers })
}
