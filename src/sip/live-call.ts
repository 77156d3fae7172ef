import { v7 as uuidv7 } from 'uuid'
import { type CallFacts, type CallNames, NOT_YET_KNOWN } from '../domain/call.ts'
import type { Buyer } from '../domain/campaign.ts'
import type { BegunCall, CallBeginning } from '../flow/begin-call.ts'
import type { Bridging } from '../flow/bridge-call.ts'
import type { DialledRound, NextRound } from '../flow/dial-leg.ts'
import type { CallEnd } from '../flow/end-call.ts'
import type { CallKeys } from '../keys.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Admission } from './admission.ts'
import { readVerstat } from './caller-id.ts'
import type { EndpointHealth } from './endpoint-health.ts'
import { type HeaderNames, passReason } from './headers.ts'
import type { InviteMemory } from './invite-memory.ts'
import type { Headers, SipClient, SipRequest, SipResponse } from './srf.ts'

/** The steps of the flow that a call goes through. */
export interface CallFlow {
  /** @throws when the call could not be stored */
  readonly beginCall: (beginning: CallBeginning) => Promise<BegunCall>
  /** @throws when the legs could not be stored */
  readonly dialNextRound: (next: NextRound) => Promise<DialledRound>
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
  readonly health: EndpointHealth
  readonly memory: InviteMemory
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

/** What has been asked before there is a call. */
export type Admitted = Extract<Admission, { kind: 'admitted' }>

/** An INVITE that was let in. */
export interface IncomingCall {
  readonly request: SipRequest
  readonly response: SipResponse
  readonly admitted: Admitted
  /** Gives back the place that it has among the calls of its trunk, caller and number. */
  readonly leave: () => void
}

/** A call on its way, with what only its own steps may know and change. */
export interface Call extends LiveCall {
  readonly deps: InviteDeps
  readonly request: SipRequest
  readonly response: SipResponse
  readonly admitted: Admitted
  readonly startedAtMs: number
  /** The caller's CANCEL, with the headers to pass on. */
  readonly cancelled: Promise<Headers>
  readonly hungUp: Promise<string>
  isCancelled: boolean
  isRinging: boolean
  /** That of the early media that was passed on, if any: no other buyer can take the call then. */
  earlySdp: string | undefined
}

/** Begins to watch a call: from here on the caller may cancel it and we may hang it up. */
export function createCall(deps: InviteDeps, { request, response, admitted }: IncomingCall): Call {
  const cancelled = Promise.withResolvers<Headers>()
  const hungUp = Promise.withResolvers<string>()
  const call: Call = {
    callUuid: uuidv7(),
    deps,
    request,
    response,
    admitted,
    startedAtMs: performance.now(),
    cancelled: cancelled.promise,
    hungUp: hungUp.promise,
    hangUp: hungUp.resolve,
    isCancelled: false,
    isRinging: false,
    earlySdp: undefined,
  }
  request.once('cancel', (cancel?: { get(name: string): string | undefined }) => {
    call.isCancelled = true
    deps.memory.end(request, 487)
    cancelled.resolve(passReason(cancel?.get('Reason')))
  })
  return call
}

/** Tells of a buyer whether its endpoint has been reachable of late, as this process has seen it. */
export const reachability =
  ({ health }: Pick<InviteDeps, 'health'>) =>
  ({ requestUri }: Buyer): boolean =>
    health.isReachable(requestUri)

/** Stores that the call has begun, and decides its buyers. @throws when it could not be stored */
export function begin(call: Call): Promise<BegunCall> {
  const { deps, request, admitted, callUuid } = call
  const { campaign, version, publisher, number } = admitted.found
  const verstat = readVerstat(request)
  if (verstat !== undefined) deps.log.info('call.verstat', { call_uuid: callUuid, verstat })
  return deps.flow.beginCall({
    facts: {
      callUuid,
      campaignId: campaign.campaignId,
      campaignVersion: version,
      publisherId: publisher.publisherId,
      subId: number.subId,
      callerNumber: admitted.caller.number,
      dialedNumber: number.number,
      tags: {},
      ...NOT_YET_KNOWN,
    },
    processId: deps.processId,
    trunkId: admitted.trunk?.trunkId,
    sipCallId: (request.get('Call-ID') ?? '').slice(0, 256),
    rules: campaign,
    startedAgoMs: performance.now() - call.startedAtMs,
    routing: {
      routes: campaign.routes,
      publisherId: publisher.publisherId,
      callerNumber: admitted.caller.number,
      findBuyer: deps.findBuyer,
      isReachable: reachability(deps),
      random: deps.random,
    },
  })
}
