import { v7 as uuidv7 } from 'uuid'
import { type CallFacts, type CallNames, type HungUpBy, tokenValues } from '../domain/call.ts'
import { type PlannedLeg, planRoutes } from '../domain/routing.ts'
import type { Buyer } from '../domain/campaign.ts'
import type { CallBeginning } from '../flow/begin-call.ts'
import type { Bridging } from '../flow/bridge-call.ts'
import type { NextLeg } from '../flow/dial-leg.ts'
import type { CallEnd } from '../flow/end-call.ts'
import type { LegFacts } from '../flow/leg-facts.ts'
import type { CallKeys } from '../keys.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Admission } from './admission.ts'
import { abandon, dial, type DialResult } from './dial.ts'
import { bestAnswer } from './failure.ts'
import { buildInviteHeaders, type HeaderNames, passReason, reasonHeader } from './headers.ts'
import { type Bridge, connectDialogs, relayRequests } from './relay.ts'
import type {
  Answer,
  Headers,
  ReceivedResponse,
  SipClient,
  SipRequest,
  SipResponse,
} from './srf.ts'

/** The steps of the flow that a call goes through. */
export interface CallFlow {
  /** @throws when the call could not be stored */
  readonly beginCall: (beginning: CallBeginning) => Promise<CallFacts>
  /** @throws when the leg could not be stored */
  readonly dialNextLeg: (leg: NextLeg) => Promise<void>
  /** Settles when the fact is stored, however long that takes. */
  readonly bridgeCall: (bridging: Bridging) => Promise<void>
  /** Settles when the fact is stored, however long that takes. */
  readonly endCall: (end: CallEnd) => Promise<void>
}

export interface InviteDeps {
  readonly client: SipClient
  readonly flow: CallFlow
  readonly keys: CallKeys
  readonly headerNames: HeaderNames
  readonly processId: string
  readonly findBuyer: (buyerId: string) => Buyer | undefined
  readonly names: (call: Pick<CallFacts, 'campaignId' | 'publisherId' | 'buyerId'>) => CallNames
  readonly random: () => number
  readonly callMsMax: number
  readonly log: Logger
}

/** A call that is going on; `hangUp` ends it for a reason of ours. */
export interface LiveCall {
  readonly callUuid: string
  readonly hangUp: (reason: string) => void
}

type Admitted = Extract<Admission, { kind: 'admitted' }>

interface Call extends LiveCall {
  readonly deps: InviteDeps
  readonly request: SipRequest
  readonly response: SipResponse
  readonly admitted: Admitted
  readonly legs: readonly PlannedLeg[]
  readonly startedAtMs: number
  /** The caller's CANCEL, with the headers to pass on. */
  readonly cancelled: Promise<Headers>
  readonly hungUp: Promise<string>
  isCancelled: boolean
  isRinging: boolean
  /** Early media has been passed on: no other buyer can take the call now. */
  hasEarlyMedia: boolean
}

type Ending = Pick<CallEnd, 'connectedMs' | 'hungUpBy' | 'endReason' | 'sipStatus' | 'leg'>

/**
 * Takes one call from its INVITE to its end: stored before a buyer is dialled, tried with each buyer in turn,
 * bridged, and ended. `onLive` is told when the call begins; the promise settles when its end is stored.
 */
export async function runCall(
  deps: InviteDeps,
  incoming: { request: SipRequest; response: SipResponse; admitted: Admitted },
  onLive: (call: LiveCall) => void,
): Promise<void> {
  const call = createCall(deps, incoming)
  onLive(call)
  const facts = await begin(call).catch((error: unknown) => {
    deps.log.error('call.not_stored', { call_uuid: call.callUuid, error })
    answerCaller(call, 503)
  })
  if (!facts) return
  const ending = await tryBuyers(call, facts)
  await deps.flow.endCall({
    ...ending,
    callUuid: call.callUuid,
    endedAgoMs: 0,
    totalMs: performance.now() - call.startedAtMs,
  })
}

function createCall(
  deps: InviteDeps,
  {
    request,
    response,
    admitted,
  }: { request: SipRequest; response: SipResponse; admitted: Admitted },
): Call {
  const { legs } = planRoutes(admitted.found.campaign.routes, deps.findBuyer, deps.random)
  const cancelled = Promise.withResolvers<Headers>()
  const hungUp = Promise.withResolvers<string>()
  const call: Call = {
    callUuid: uuidv7(),
    deps,
    request,
    response,
    admitted,
    legs,
    startedAtMs: performance.now(),
    cancelled: cancelled.promise,
    hungUp: hungUp.promise,
    hangUp: hungUp.resolve,
    isCancelled: false,
    isRinging: false,
    hasEarlyMedia: false,
  }
  request.once('cancel', (cancel?: { get(name: string): string | undefined }) => {
    call.isCancelled = true
    cancelled.resolve(passReason(cancel?.get('Reason')))
  })
  return call
}

function begin(call: Call): Promise<CallFacts> {
  const { deps, request, admitted, legs, callUuid } = call
  const { campaign, version, publisher, number } = admitted.found
  return deps.flow.beginCall({
    facts: {
      callUuid,
      campaignId: campaign.campaignId,
      campaignVersion: version,
      publisherId: publisher.publisherId,
      subId: number.subId,
      callerNumber: admitted.callerNumber,
      dialedNumber: number.number,
      tags: {},
      buyerId: undefined,
      answeredAt: undefined,
      endedAt: undefined,
      connectedMs: undefined,
      totalMs: undefined,
      hungUpBy: undefined,
      sipStatus: undefined,
    },
    processId: deps.processId,
    trunkId: admitted.trunkId,
    sipCallId: (request.get('Call-ID') ?? '').slice(0, 256),
    rules: campaign,
    startedAgoMs: performance.now() - call.startedAtMs,
    firstLeg: legs[0] && dialling(legs[0], 1),
  })
}

const dialling = ({ buyer: { buyerId, endpoint } }: PlannedLeg, leg: number) => ({
  leg,
  buyerId,
  endpoint,
})

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
        return callerCancelled(
          clock.ended({ sipStatus: 487, fault: 'caller', reason: 'cancelled' }),
        )
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

async function storeNextLeg(
  call: Call,
  facts: CallFacts,
  failed: LegFacts,
  next: { leg: number; buyerId: string; endpoint: string },
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

/** What the process sees of a leg, in monotonic milliseconds. */
interface LegClock {
  readonly leg: number
  ringing(): void
  answered(): void
  readonly answeredAtMs: () => number
  /** The leg's facts as they are now, and that it is over. */
  ended(facts: { sipStatus?: number | undefined; fault?: string; reason?: string }): LegFacts
  now(): LegFacts & { readonly answeredAgoMs: number }
}

function startLegClock(leg: number): LegClock {
  let ringingAtMs: number | undefined
  let answeredAtMs: number | undefined
  const ago = (atMs: number | undefined) => atMs && performance.now() - atMs
  const facts = () => ({ leg, ringingAgoMs: ago(ringingAtMs), answeredAgoMs: ago(answeredAtMs) })
  return {
    leg,
    ringing: () => (ringingAtMs ??= performance.now()),
    answered: () => (answeredAtMs ??= performance.now()),
    answeredAtMs: () => answeredAtMs ?? performance.now(),
    ended: ({ sipStatus, fault, reason }) => ({
      ...facts(),
      endedAgoMs: 0,
      sipStatus,
      fault,
      reason,
    }),
    now: () => ({ ...facts(), answeredAgoMs: ago(answeredAtMs) ?? 0, sipStatus: 200 }),
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

interface Answered {
  readonly facts: CallFacts
  readonly buyer: Buyer
  readonly answer: Answer
  readonly clock: LegClock
}

async function bridge(call: Call, { facts, buyer, answer, clock }: Answered): Promise<Ending> {
  clock.answered()
  const { deps, request, response } = call
  const bridged = call.isCancelled
    ? undefined
    : await connectDialogs(deps.client, request, response, answer)
  if (!bridged) {
    abandon(answer, reasonHeader(487, 'Caller is gone'))
    return callerCancelled(clock.ended({ sipStatus: 487, fault: 'caller', reason: 'cancelled' }))
  }
  relayRequests(bridged)
  const rules = call.admitted.found.campaign
  const stored = deps.flow.bridgeCall({ facts, rules, buyerId: buyer.buyerId, leg: clock.now() })
  const { hungUpBy, endReason } = await untilEnd(call, bridged)
  const connectedMs = performance.now() - clock.answeredAtMs()
  const endedAtMs = performance.now()
  await stored
  const leg = clock.ended({ sipStatus: 200 })
  const agoMs = performance.now() - endedAtMs
  return { hungUpBy, endReason, connectedMs, sipStatus: 200, leg: { ...leg, endedAgoMs: agoMs } }
}

/** Waits until either side hangs up, or we do, and hangs up the rest. */
async function untilEnd(
  { deps, hungUp }: Call,
  { caller, buyer }: Bridge,
): Promise<{ hungUpBy: HungUpBy; endReason: string }> {
  const tooLong = Promise.withResolvers<string>()
  const timer = setTimeout(() => tooLong.resolve('max_duration'), deps.callMsMax)
  const first = await Promise.race([
    caller.ended.then((end) => ({ ...end, who: 'caller' }) as const),
    buyer.ended.then((end) => ({ ...end, who: 'buyer' }) as const),
    Promise.race([hungUp, tooLong.promise]).then(
      (reason) => ({ by: 'us', reason, who: 'bridge' }) as const,
    ),
  ])
  clearTimeout(timer)
  const headers =
    first.who === 'bridge' ? reasonHeader(200, first.reason) : passReason(first.reason)
  caller.hangUp(headers)
  buyer.hangUp(headers)
  if (first.by === 'server') return { hungUpBy: 'bridge', endReason: 'bridge_lost' }
  if (first.who === 'bridge') return { hungUpBy: 'bridge', endReason: first.reason }
  return { hungUpBy: first.who, endReason: `${first.who}_hung_up` }
}

const callerCancelled = (leg: LegFacts | undefined): Ending => ({
  connectedMs: undefined,
  hungUpBy: 'caller',
  endReason: 'caller_cancelled',
  sipStatus: 487,
  leg,
})

const serverLost = (leg: LegFacts): Ending => ({
  connectedMs: undefined,
  hungUpBy: 'bridge',
  endReason: 'bridge_lost',
  sipStatus: undefined,
  leg,
})

function refuse(call: Call, status: number, reason: string, leg: LegFacts | undefined): Ending {
  answerCaller(call, status)
  return { connectedMs: undefined, hungUpBy: 'bridge', endReason: reason, sipStatus: status, leg }
}

function answerCaller({ response, isCancelled }: Call, status: number): void {
  if (!isCancelled && !response.finalResponseSent) response.send(status)
}
