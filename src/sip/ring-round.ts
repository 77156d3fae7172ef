import { type CallFacts, tokenValues } from '../domain/call.ts'
import type { Buyer } from '../domain/campaign.ts'
import type { Round } from '../domain/routing.ts'
import type { LegFacts } from '../flow/leg-facts.ts'
import { PLAIN_WRITING } from './caller-id.ts'
import type { Answered } from './bridged-call.ts'
import { abandon, dial, type DialResult } from './dial.ts'
import { BRIDGE_FAILED, type LegFailure } from './failure.ts'
import { buildInviteHeaders, contentType, reasonHeader } from './headers.ts'
import { type LegClock, startLegClock } from './leg-clock.ts'
import type { Call } from './live-call.ts'
import { passedHeaders } from './passed-headers.ts'
import type { Headers, ReceivedResponse } from './srf.ts'

export type RoundResult =
  | { readonly kind: 'answered'; readonly answered: Answered }
  | {
      readonly kind: 'failed'
      readonly failures: readonly LegFailure[]
      readonly legs: readonly LegFacts[]
    }
  /** The caller gave up, or we did. */
  | { readonly kind: 'cancelled'; readonly legs: readonly LegFacts[] }
  | { readonly kind: 'server_lost'; readonly legs: readonly LegFacts[] }

/** One round, with what decides how it is rung. */
export interface Ringing {
  readonly round: Round
  /** The number of its first leg. */
  readonly firstLeg: number
  /** Whether no other buyer follows. */
  readonly isLast: boolean
}

interface RungLeg {
  readonly buyer: Buyer
  readonly clock: LegClock
  readonly result: DialResult
}

const ELSEWHERE = reasonHeader(200, 'Call completed elsewhere')

/** Rings every buyer of a round at once; the first that answers has the call, the others are cancelled. */
export async function ringRound(
  call: Call,
  facts: CallFacts,
  { round, firstLeg, isLast }: Ringing,
): Promise<RoundResult> {
  const won = Promise.withResolvers<Headers>()
  let winner: LegClock | undefined
  const isAlone = round.length === 1
  const rung = await Promise.all(
    round.map(async ({ buyer }, index): Promise<RungLeg> => {
      const clock = startLegClock(firstLeg + index)
      const dialled = { facts, buyer, clock, isLast, isAlone, won: won.promise }
      const result = await dialBuyer(call, dialled).catch((error: unknown): DialResult => {
        logFailure(call, clock.leg, error)
        return { kind: 'failed', failure: BRIDGE_FAILED, status: undefined, sighting: undefined }
      })
      if (result.kind !== 'answered') return { buyer, clock, result }
      if (winner) {
        abandon(result.answer, ELSEWHERE)
        return { buyer, clock, result: { kind: 'cancelled' } }
      }
      winner = clock
      clock.answered()
      won.resolve(ELSEWHERE)
      return { buyer, clock, result }
    }),
  )
  return roundResult(call, rung)
}

function roundResult(call: Call, rung: readonly RungLeg[]): RoundResult {
  for (const { buyer, clock, result } of rung) {
    if (result.kind !== 'answered') continue
    const others = rung.filter((each) => each.clock !== clock)
    const lost = others.map((each) => endedLeg(each, { fault: 'bridge', reason: 'lost_the_race' }))
    return { kind: 'answered', answered: { buyer, clock, answer: result.answer, lost } }
  }
  const givenUp = call.isCancelled
    ? { fault: 'caller', reason: 'cancelled' }
    : { fault: 'bridge', reason: 'draining' }
  const legs = rung.map((each) => endedLeg(each, givenUp))
  if (rung.some(({ result }) => result.kind === 'server_lost')) return { kind: 'server_lost', legs }
  if (rung.some(({ result }) => result.kind === 'cancelled')) return { kind: 'cancelled', legs }
  const failures = rung.flatMap(({ result }) => (result.kind === 'failed' ? result.failure : []))
  return { kind: 'failed', failures, legs }
}

/** @param givenUp what is said of a leg that we cancelled */
function endedLeg(
  { clock, result }: RungLeg,
  givenUp: { readonly fault: string; readonly reason: string },
): LegFacts {
  switch (result.kind) {
    case 'failed': {
      const { fault, reason } = result.failure
      return clock.ended({ sipStatus: result.status, fault, reason })
    }
    case 'server_lost':
      return clock.ended({ fault: 'bridge', reason: 'bridge_lost' })
    case 'cancelled':
    case 'answered':
      return clock.ended({ sipStatus: 487, ...givenUp })
  }
}

function logFailure({ deps, callUuid }: Call, leg: number, error: unknown): void {
  deps.log.error('leg.failed', { call_uuid: callUuid, leg, error })
}

interface DialledLeg {
  readonly facts: CallFacts
  readonly buyer: Buyer
  readonly clock: LegClock
  readonly isLast: boolean
  readonly isAlone: boolean
  readonly won: Promise<Headers>
}

/**
 * Said of every body, whatever is in it: a SIP server that has to guess sends only what begins like a session
 * description, and a request that is not sent looks like a buyer who is not there.
 */
const SDP_TYPE = { 'Content-Type': 'application/sdp' }

async function dialBuyer(call: Call, dialled: DialledLeg): Promise<DialResult> {
  const { deps, request } = call
  const { buyer, clock, isLast, isAlone, won } = dialled
  const drained = call.hungUp.then((text) => reasonHeader(200, text))
  const sawAlive = () => deps.health.report(buyer.requestUri, { kind: 'alive' })
  const result = await dial(deps.client, {
    uac: {
      uri: buyer.requestUri,
      auth: buyer.auth,
      headers: { ...inviteHeaders(call, dialled), ...(request.body && SDP_TYPE) },
      body: request.body,
    },
    ringTimeoutMs: buyer.ringTimeoutMs,
    setupTimeoutMs: isLast ? undefined : buyer.setupTimeoutMs,
    givenUp: Promise.race([call.cancelled, drained, won]),
    onProvisional: (response) => {
      sawAlive()
      clock.ringing()
      passProvisional(call, response, isLast && isAlone)
    },
    onFailure: (error) => logFailure(call, clock.leg, error),
  })
  if (result.kind === 'answered') sawAlive()
  if (result.kind === 'failed' && result.sighting) {
    deps.health.report(buyer.requestUri, result.sighting)
  }
  return result
}

function inviteHeaders(call: Call, { facts, buyer, clock }: DialledLeg): Headers {
  const { deps, callUuid, admitted, request } = call
  const { caller, trunk } = admitted
  const selected = { ...facts, buyerId: buyer.buyerId }
  const { headers, leftOut } = buildInviteHeaders({
    names: deps.headerNames,
    callUuid,
    callKey: deps.keys.derive(callUuid, clock.leg),
    caller,
    maxForwards: admitted.maxForwards,
    buyer,
    values: tokenValues(selected, deps.names(selected), {}),
    passed: passedHeaders({ request, caller, buyer, writing: (trunk ?? PLAIN_WRITING).numbers }),
  })
  if (leftOut.length > 0) {
    deps.log.warn('leg.headers_left_out', {
      call_uuid: callUuid,
      buyer_id: buyer.buyerId,
      left_out: leftOut,
    })
  }
  return headers
}

/**
 * Tells the caller that it rings. Early media is passed on only from the one buyer left: after it the
 * caller's answer is fixed and nobody else could take over. @see RFC 3261 §13.2.1
 */
function passProvisional(call: Call, response: ReceivedResponse, isOnlyOne: boolean): void {
  const { status, body } = response
  if (call.isCancelled || call.response.finalResponseSent) return
  if (body && isOnlyOne && call.request.body) {
    call.earlySdp ??= body
    call.response.send(status === 180 ? 180 : 183, { body, headers: contentType(response) })
  } else if (!call.isRinging && status !== 199) {
    call.isRinging = true
    call.response.send(180)
  }
}
