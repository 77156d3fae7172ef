import { type CallFacts, tokenValues } from '../domain/call.ts'
import type { PlannedLeg } from '../domain/routing.ts'
import type { Dialling } from '../flow/begin-call.ts'
import type { LegFacts } from '../flow/leg-facts.ts'
import { bridge } from './bridged-call.ts'
import { dial, type DialResult } from './dial.ts'
import { answerCaller, callerCancelled, type Ending, refuse, serverLost } from './ending.ts'
import { bestAnswer } from './failure.ts'
import { buildInviteHeaders, reasonHeader } from './headers.ts'
import { type LegClock, startLegClock } from './leg-clock.ts'
import {
  begin,
  type Call,
  createCall,
  dialling,
  type IncomingCall,
  type InviteDeps,
  type LiveCall,
} from './live-call.ts'
import type { ReceivedResponse } from './srf.ts'

/**
 * Takes one call from its INVITE to its end: stored before a buyer is dialled, tried with each buyer in turn,
 * bridged, and ended. `onLive` is told when the call begins; the promise settles when its end is stored.
 */
export async function runCall(
  deps: InviteDeps,
  incoming: IncomingCall,
  onLive: (call: LiveCall) => void,
): Promise<void> {
  const call = createCall(deps, incoming)
  onLive(call)
  const facts = await begin(call).catch((error: unknown) => {
    deps.log.error('call.not_stored', { call_uuid: call.callUuid, error })
    answerCaller(call, 503)
  })
  if (!facts) return
  const { endedAtMs, ...ending } = await tryBuyers(call, facts)
  await deps.flow.endCall({
    ...ending,
    callUuid: call.callUuid,
    endedAgoMs: performance.now() - endedAtMs,
    totalMs: endedAtMs - call.startedAtMs,
  })
}

/** Dials one buyer after the other until one answers or there is no use in going on. */
async function tryBuyers(call: Call, facts: CallFacts): Promise<Ending> {
  const answers: number[] = []
  let failed: LegFacts | undefined
  let reason = 'no_buyer'
  for (const [index, planned] of call.legs.entries()) {
    if (call.isCancelled) return callerCancelled(failed)
    const leg = index + 1
    if (failed && !(await storeNextLeg(call, facts, failed, dialling(planned, leg)))) {
      return refuse(call, 503, 'not_stored', failed)
    }
    const clock = startLegClock(leg)
    const result = await dialBuyer(call, facts, planned, clock)
    switch (result.kind) {
      case 'answered':
        return bridge(call, { facts, buyer: planned.buyer, answer: result.answer, clock })
      case 'cancelled':
        return givenUp(call, clock)
      case 'server_lost':
        return serverLost(clock.ended({ fault: 'bridge', reason: 'bridge_lost' }))
      case 'failed':
        failed = clock.ended({ sipStatus: result.status, ...result.failure })
        answers.push(result.failure.answer)
        reason = result.failure.reason
        if (!result.failure.isNextTried || call.hasEarlyMedia) {
          return refuse(call, result.failure.answer, reason, failed)
        }
    }
  }
  if (call.isCancelled) return callerCancelled(failed)
  return refuse(call, bestAnswer(answers), reason, failed)
}

/** The buyer was cancelled, because the caller gave up or because we are closing. */
function givenUp(call: Call, clock: LegClock): Ending {
  if (!call.isCancelled) {
    const leg = clock.ended({ sipStatus: 487, fault: 'bridge', reason: 'draining' })
    return refuse(call, 503, 'draining', leg)
  }
  return callerCancelled(clock.ended({ sipStatus: 487, fault: 'caller', reason: 'cancelled' }))
}

async function storeNextLeg(
  call: Call,
  facts: CallFacts,
  failed: LegFacts,
  next: Dialling,
): Promise<boolean> {
  const rules = call.admitted.found.campaign
  try {
    await call.deps.flow.dialNextLeg({ facts, rules, failed, dialling: next })
    return true
  } catch (error) {
    call.deps.log.error('leg.not_stored', { call_uuid: call.callUuid, leg: next.leg, error })
    return false
  }
}

function dialBuyer(
  call: Call,
  facts: CallFacts,
  { buyer }: PlannedLeg,
  clock: LegClock,
): Promise<DialResult> {
  const { deps, callUuid, admitted, request } = call
  const selected = { ...facts, buyerId: buyer.buyerId }
  const { headers, leftOut } = buildInviteHeaders({
    names: deps.headerNames,
    callUuid,
    callKey: deps.keys.derive(callUuid, clock.leg),
    callerNumber: admitted.callerNumber,
    maxForwards: admitted.maxForwards,
    buyer,
    values: tokenValues(selected, deps.names(selected), {}),
  })
  if (leftOut.length > 0) {
    deps.log.warn('leg.headers_left_out', {
      call_uuid: callUuid,
      buyer_id: buyer.buyerId,
      left_out: leftOut,
    })
  }
  const isLast = clock.leg === call.legs.length
  return dial(deps.client, {
    uac: {
      uri: buyer.endpoint,
      proxy: buyer.gateway,
      auth: buyer.auth,
      headers,
      body: request.body,
    },
    ringTimeoutMs: buyer.ringTimeoutMs,
    givenUp: Promise.race([call.cancelled, call.hungUp.then((text) => reasonHeader(200, text))]),
    onProvisional: (response) => {
      clock.ringing()
      passProvisional(call, response, isLast)
    },
  })
}

/**
 * Tells the caller that it rings. Early media is passed on only from the last buyer: after it the caller's
 * answer is fixed and nobody else could take over. @see RFC 3261 §13.2.1
 */
function passProvisional(call: Call, { status, body }: ReceivedResponse, isLast: boolean): void {
  if (call.isCancelled || call.response.finalResponseSent) return
  if (body && isLast && call.request.body) {
    call.hasEarlyMedia = true
    call.response.send(status === 180 ? 180 : 183, { body })
  } else if (!call.isRinging && status !== 199) {
    call.isRinging = true
    call.response.send(180)
  }
}
