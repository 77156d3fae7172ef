import { ALLOW, contentType } from './headers.ts'
import { relayedStatus } from './relayed-status.ts'
import type { Answer, Dialog, FinalResponse, SipClient, SipRequest, SipResponse } from './srf.ts'

/** The two dialogs of a bridged call. */
export interface Bridge {
  readonly caller: Dialog
  readonly buyer: Dialog
  /** The answer that the caller's ACK held, where the offer was the buyer's. */
  readonly lateAnswer?: string
}

/** Whether both sides are connected, and what stood in the way if not; the buyer is then still to be abandoned. */
export type Connection =
  | { readonly kind: 'connected'; readonly bridge: Bridge }
  | { readonly kind: 'caller_cancelled' }
  /** After our 200, and before it had answered the buyer's offer. */
  | { readonly kind: 'caller_hung_up' }
  /** The caller's ACK holds no answer to the buyer's offer; the caller is hung up. */
  | { readonly kind: 'no_session_description' }
  | { readonly kind: 'server_lost' }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Answers the caller with what the buyer answered. Where the caller's INVITE had no offer, the buyer's 2xx
 * holds it and the caller's ACK the answer, which goes into our ACK to the buyer.
 */
export async function connectDialogs(
  client: Pick<SipClient, 'createUas'>,
  request: SipRequest,
  response: SipResponse,
  answer: Answer,
): Promise<Connection> {
  const { body } = answer.response
  const sdp = body ? { body, headers: contentType(answer.response) } : {}
  const answered = await client.createUas(request, response, sdp)
  if (answered.kind === 'cancelled') return { kind: 'caller_cancelled' }
  if (answered.kind !== 'answered') return answered
  const caller = answered.dialog
  if (answer.kind === 'offer') return connectByAck(caller, answer)
  return { kind: 'connected', bridge: { caller, buyer: answer.dialog } }
}

async function connectByAck(
  caller: Dialog,
  { acknowledge }: Extract<Answer, { readonly kind: 'offer' }>,
): Promise<Connection> {
  const acked = Promise.withResolvers<string>()
  caller.onAck((ack) => acked.resolve(ack.body ?? ''))
  const first = await Promise.race([acked.promise, caller.ended])
  if (typeof first !== 'string') {
    return { kind: first.by === 'server' ? 'server_lost' : 'caller_hung_up' }
  }
  const connection = await answerOffer(caller, first, acknowledge)
  if (connection.kind !== 'connected') caller.hangUp({})
  return connection
}

async function answerOffer(
  caller: Dialog,
  sdp: string,
  acknowledge: (sdp: string) => Promise<Dialog>,
): Promise<Connection> {
  // What begins otherwise would not be sent: the client leaves the type for the SIP server to guess.
  if (!sdp.startsWith('v=0')) return { kind: 'no_session_description' }
  try {
    return { kind: 'connected', bridge: { caller, buyer: await acknowledge(sdp), lateAnswer: sdp } }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

/** What relaying has to know of the call's set-up. */
export interface RelaySetUp {
  /** The SDP that each side sent last, as it was passed on to the other; empty where there was none. */
  readonly callerSdp: string
  readonly buyerSdp: string
  /** That of the early media that the caller has heard, if any. */
  readonly earlySdp: string | undefined
  /** Whether each side takes UPDATE. @see RFC 3311 §5.1 */
  readonly callerTakesUpdate: boolean
  readonly buyerTakesUpdate: boolean
}

/** One side of a call, as the other one's requests reach it. */
interface Side {
  readonly dialog: Dialog
  readonly takesUpdate: boolean
  /** The SDP that it sent last and the other side has accepted. */
  sdp: string
}

interface Relay {
  /** An offer is on its way through, in whichever direction. */
  isOffering: boolean
  /** One side has let go of its dialog. */
  readonly onGone: () => void
}

interface Passing {
  readonly from: Side
  readonly to: Side
  readonly request: SipRequest
  readonly response: SipResponse
}

/**
 * Passes on what either side sends while the call is up: offers and keys that were pressed. The rest is
 * answered here. `onGone` is told when one side turns out not to know its dialog any more. @see RFC 5057
 */
export function relayRequests(bridge: Bridge, setUp: RelaySetUp, onGone: () => void): void {
  const { callerSdp, buyerSdp, callerTakesUpdate, buyerTakesUpdate } = setUp
  const caller = { dialog: bridge.caller, sdp: callerSdp, takesUpdate: callerTakesUpdate }
  const buyer = { dialog: bridge.buyer, sdp: buyerSdp, takesUpdate: buyerTakesUpdate }
  const relay: Relay = { isOffering: false, onGone }
  for (const [from, to] of [
    [caller, buyer],
    [buyer, caller],
  ] as const) {
    const { dialog } = from
    const passing = (request: SipRequest, response: SipResponse) => ({
      from,
      to,
      request,
      response,
    })
    dialog.onRequest('modify', (...received) => passOffer(relay, passing(...received)))
    dialog.onRequest('update', (...received) => passUpdate(relay, passing(...received)))
    dialog.onRequest('info', (...received) => passInfo(relay, passing(...received)))
    // A transfer would let either side make us call anybody.
    dialog.onRequest('refer', (_, response) => response.send(603))
    for (const method of ['message', 'notify', 'publish', 'subscribe']) {
      dialog.onRequest(method, (_, response) => response.send(405, { headers: { Allow: ALLOW } }))
    }
    dialog.onRequest('options', (_, response) => response.send(200, { headers: { Allow: ALLOW } }))
  }
  const { earlySdp = buyerSdp } = setUp
  if (buyerSdp !== '' && buyerSdp !== earlySdp) {
    caller.dialog.onAck(() => offerAnswer(relay, caller, buyerSdp))
  }
}

/**
 * Offers the caller what the buyer has answered, where its early media came from another phone: the caller
 * took that for the answer and has to ignore what our 200 says. The buyer is not asked again, since the caller's
 * side has not changed. @see RFC 3261 §13.2.1
 */
async function offerAnswer(relay: Relay, { dialog }: Side, sdp: string): Promise<void> {
  if (relay.isOffering) return
  relay.isOffering = true
  try {
    const headers = { 'Content-Type': 'application/sdp' }
    const final = await dialog.request('INVITE', { body: sdp, headers })
    endIfGone(relay, final?.response.status ?? 481)
  } finally {
    relay.isOffering = false
  }
}

/** An UPDATE without offer refreshes the dialog alone; one with an offer is passed on. */
async function passUpdate(relay: Relay, passing: Passing): Promise<void> {
  if (passing.request.body) await passOffer(relay, passing)
  else passing.response.send(200)
}

/** Passes an offer on and its answer back, in an UPDATE where both sides know it, else in an INVITE. */
async function passOffer(relay: Relay, passing: Passing): Promise<void> {
  const { from, to, request, response } = passing
  const offer = request.body ?? ''
  // The same once more says only that the sender is still there. @see RFC 4028 §9
  if (offer !== '' && offer === from.sdp && to.sdp !== '') {
    response.send(200, { body: to.sdp, headers: contentType(request) })
    return
  }
  // Two offers that cross: whoever comes second tries again later. @see RFC 3261 §14.2
  if (relay.isOffering) {
    response.send(491)
    return
  }
  relay.isOffering = true
  try {
    await exchangeOffer(relay, passing, offer)
  } finally {
    relay.isOffering = false
  }
}

async function exchangeOffer(relay: Relay, passing: Passing, offer: string): Promise<void> {
  const { from, to, request, response } = passing
  const isUpdate = request.method === 'UPDATE' && to.takesUpdate
  const options = offer === '' ? {} : { body: offer, headers: contentType(request) }
  const final = await to.dialog.request(isUpdate ? 'UPDATE' : 'INVITE', options)
  const answer = final?.response.body ?? ''
  if (final?.acknowledge) {
    await exchangeLateOffer(passing, answer, final.acknowledge)
    return
  }
  if (final && final.response.status < 300) Object.assign(from, { sdp: offer })
  if (final && final.response.status < 300) Object.assign(to, { sdp: answer })
  passBack(relay, response, final)
}

/** An INVITE without offer: the other side's 2xx holds it, and the ACK of this side the answer to it. */
async function exchangeLateOffer(
  { from, to, request, response }: Passing,
  offer: string,
  acknowledge: (sdp: string) => void,
): Promise<void> {
  const acked = Promise.withResolvers<string>()
  from.dialog.onAck((ack) => acked.resolve(ack.body ?? ''))
  response.send(200, { body: offer, headers: contentType(request) }, (error) => {
    // No ACK comes to what was not sent: the sender has cancelled its INVITE meanwhile.
    if (error) acked.resolve('')
  })
  const answer = await Promise.race([acked.promise, from.dialog.ended.then(() => '')])
  // Without an answer nothing is agreed, yet the 2xx has to be acknowledged.
  acknowledge(answer === '' ? from.sdp : answer)
  to.sdp = offer
  if (answer !== '') from.sdp = answer
}

/** Bodies of INFO that are passed on: pressed keys, and requests for a new picture. */
const INFO_TYPES = /^application\/(?:dtmf-relay|dtmf|media_control\+xml)\b/i

async function passInfo(relay: Relay, { to, request, response }: Passing): Promise<void> {
  const body = request.body ?? ''
  if (body === '') return response.send(200)
  const headers = contentType(request)
  if (!INFO_TYPES.test(headers['Content-Type'] ?? '')) {
    return response.send(415, { headers: { Accept: 'application/dtmf-relay, application/dtmf' } })
  }
  return passBack(relay, response, await to.dialog.request('INFO', { body, headers }))
}

function passBack(relay: Relay, response: SipResponse, final: FinalResponse | undefined): void {
  const status = relayedStatus(final?.response.status ?? 481)
  const body = final?.response.body ?? ''
  if (!response.finalResponseSent) {
    if (!final || body === '') response.send(status)
    else response.send(status, { body, headers: contentType(final.response) })
  }
  endIfGone(relay, status)
}

/** The side that answered 481 or nothing at all has no dialog any more, and then there is no call. */
function endIfGone(relay: Relay, status: number): void {
  if (status === 481 || status === 408) relay.onGone()
}
