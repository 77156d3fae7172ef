import type { CallFacts, HungUpBy } from '../domain/call.ts'
import type { Buyer } from '../domain/campaign.ts'
import type { Bridging } from '../flow/bridge-call.ts'
import type { LegFacts } from '../flow/leg-facts.ts'
import { abandon } from './dial.ts'
import { callerCancelled, type Ending, hungUp, refuse, serverLost } from './ending.ts'
import { passReason, reasonHeader } from './headers.ts'
import type { LegClock } from './leg-clock.ts'
import type { Call } from './live-call.ts'
import {
  type Bridge,
  connectDialogs,
  type Connection,
  relayRequests,
  type RelaySetUp,
} from './relay.ts'
import type { Answer, SipMessage } from './srf.ts'

/** A buyer who has answered. */
export interface Answered {
  readonly buyer: Buyer
  readonly answer: Answer
  readonly clock: LegClock
  /** The legs that rang together with it. */
  readonly lost: readonly LegFacts[]
}

/** Connects caller and buyer, and waits until one of them, or we, hang up. */
export async function bridge(call: Call, facts: CallFacts, answered: Answered): Promise<Ending> {
  const { answer, clock, lost } = answered
  clock.answered()
  const { deps, request, response } = call
  const connection: Connection = call.isCancelled
    ? { kind: 'caller_cancelled' }
    : await connectDialogs(deps.client, request, response, answer).catch(
        (error: unknown): Connection => ({ kind: 'failed', error }),
      )
  if (connection.kind === 'connected') return talk(call, facts, answered, connection.bridge)
  abandon(answer, reasonHeader(487, 'Caller is gone'))
  return unconnected(call, connection, (facts) => [clock.ended(facts), ...lost])
}

type Unconnected = Exclude<Connection, { readonly kind: 'connected' }>

/** How a call ends whose buyer has answered and could not be connected. */
function unconnected(
  call: Call,
  connection: Unconnected,
  legs: (facts: Parameters<LegClock['ended']>[0]) => readonly LegFacts[],
): Ending {
  const { kind } = connection
  switch (kind) {
    case 'caller_cancelled':
      call.deps.memory.end(call.request, 487)
      return callerCancelled(legs({ sipStatus: 487, fault: 'caller', reason: 'cancelled' }))
    case 'caller_hung_up':
      return hungUp('caller', kind, legs({ sipStatus: 200, fault: 'caller', reason: kind }))
    case 'no_session_description':
      return hungUp('bridge', kind, legs({ sipStatus: 200, fault: 'caller', reason: kind }))
    case 'server_lost':
      return serverLost(legs({ fault: 'bridge', reason: 'bridge_lost' }))
    case 'failed': {
      call.deps.log.error('call.not_connected', {
        call_uuid: call.callUuid,
        error: connection.error,
      })
      const failed = { sipStatus: 200, fault: 'bridge', reason: 'bridge_failed' }
      return refuse(call, 500, 'bridge_failed', legs(failed))
    }
  }
}

/** Also where a mistake of ours ends it, nobody is left behind, and no leg stays open in the record. */
async function talk(
  call: Call,
  facts: CallFacts,
  answered: Answered,
  bridge: Bridge,
): Promise<Ending> {
  let bridged: Promise<void> | undefined
  try {
    const gone = Promise.withResolvers<void>()
    relayRequests(bridge, relaySetUp(call, bridge, answered.answer), gone.resolve)
    bridged = store(call, bridgingOf(call, facts, answered))
    return { ...(await untilOver(call, answered, bridge, gone.promise)), bridged }
  } catch (error) {
    bridge.caller.hangUp({})
    bridge.buyer.hangUp({})
    call.deps.log.error('call.failed', { call_uuid: call.callUuid, error })
    return { ...failed(call, answered), bridged }
  }
}

function bridgingOf(
  { admitted }: Call,
  facts: CallFacts,
  { buyer, clock, lost }: Answered,
): Bridging {
  const { campaign: rules } = admitted.found
  return { facts, rules, buyerId: buyer.buyerId, leg: clock.now(), lost }
}

async function untilOver(
  call: Call,
  { buyer, clock }: Answered,
  bridge: Bridge,
  gone: Promise<void>,
): Promise<Ending> {
  const limitMs = limitOf(call, buyer)
  const { hungUpBy, endReason, ...end } = await untilEnd(call, bridge, { limitMs, gone })
  const endedAtMs = Math.max(end.endedAtMs, clock.answeredAtMs())
  const connectedMs = endedAtMs - clock.answeredAtMs()
  const legs = [{ ...clock.ended({ sipStatus: 200 }), endedAtMs }]
  return { hungUpBy, endReason, connectedMs, sipStatus: 200, legs, endedAtMs }
}

function failed(call: Call, { clock, lost }: Answered): Ending {
  const leg = clock.ended({ sipStatus: 200, fault: 'bridge', reason: 'bridge_failed' })
  const ending = refuse(call, 500, 'bridge_failed', [leg, ...lost])
  return { ...ending, connectedMs: ending.endedAtMs - clock.answeredAtMs() }
}

/** Never fails: those who talk are left alone, whatever becomes of the record. */
async function store({ deps, callUuid }: Call, bridging: Bridging): Promise<void> {
  try {
    await deps.flow.bridgeCall(bridging)
  } catch (error) {
    deps.log.error('call.bridge_not_stored', { call_uuid: callUuid, error })
  }
}

function relaySetUp(
  { request, earlySdp }: Call,
  { lateAnswer }: Bridge,
  { response }: Answer,
): RelaySetUp {
  const takesUpdate = (message: Pick<SipMessage, 'get'>) =>
    /\bUPDATE\b/.test(message.get('Allow') ?? '')
  return {
    callerSdp: lateAnswer ?? request.body ?? '',
    buyerSdp: response.body ?? '',
    earlySdp,
    callerTakesUpdate: takesUpdate(request),
    buyerTakesUpdate: takesUpdate(response),
  }
}

/** The shortest of the limits of service, campaign and buyer. */
function limitOf({ deps, admitted }: Call, buyer: Buyer): number {
  const limits = [deps.callMsMax, admitted.found.campaign.callMsMax, buyer.callMsMax]
  return Math.min(...limits.filter((limit) => limit !== undefined))
}

/**
 * Waits until either side hangs up, or we do, and hangs up the rest. A call that goes with the SIP server ends when
 * that was last heard: whether anybody has talked since then nobody knows, and what is not known is not sold.
 */
async function untilEnd(
  { hungUp }: Call,
  { caller, buyer }: Bridge,
  { limitMs, gone }: { readonly limitMs: number; readonly gone: Promise<void> },
): Promise<{ hungUpBy: HungUpBy; endReason: string; endedAtMs: number }> {
  const tooLong = Promise.withResolvers<string>()
  const timer = setTimeout(() => tooLong.resolve('max_duration'), limitMs)
  const first = await Promise.race([
    caller.ended.then((end) => ({ ...end, who: 'caller' }) as const),
    buyer.ended.then((end) => ({ ...end, who: 'buyer' }) as const),
    Promise.race([hungUp, tooLong.promise, gone.then(() => 'dialog_gone')]).then(
      (reason) => ({ by: 'us', reason, who: 'bridge' }) as const,
    ),
  ])
  clearTimeout(timer)
  const endedAtMs = first.by === 'server' ? first.heardAtMs : performance.now()
  const headers =
    first.who === 'bridge' ? reasonHeader(200, first.reason) : passReason(first.reason)
  caller.hangUp(headers)
  buyer.hangUp(headers)
  if (first.by === 'server') return { hungUpBy: 'bridge', endReason: 'bridge_lost', endedAtMs }
  if (first.who === 'bridge') return { hungUpBy: 'bridge', endReason: first.reason, endedAtMs }
  return { hungUpBy: first.who, endReason: `${first.who}_hung_up`, endedAtMs }
}
