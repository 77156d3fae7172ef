import type { HeaderField } from '../message/headers.ts'
import type { SipRequest, Unusable } from '../message/message.ts'
import { parseMessage } from '../message/parse.ts'
import { parseVia, stampVia } from '../message/via.ts'
import { serverKey } from '../transaction/layer.ts'
import type { Hop, Listener } from '../transport/transport.ts'
import { receiveAck } from './acknowledge.ts'
import { admit } from './admit.ts'
import { receiveCancel } from './cancel.ts'
import { decideRefusal } from './check.ts'
import { findDialog } from './find-dialog.ts'
import { receiveInDialog } from './in-dialog.ts'
import { receiveInitial } from './initial.ts'
import { answerStatelessly, type Arrival } from './refuse.ts'
import { counterOfRefusal } from './refusal-counters.ts'
import type { Core } from './state.ts'

/** Anything shorter is a keep-alive or noise; the shortest request is far longer. */
const MESSAGE_BYTES_MIN = 32

/** Takes in whatever a transport has received. */
export function receive(core: Core, text: string, from: Hop, listener: Listener): void {
  if (text.length < MESSAGE_BYTES_MIN) return
  if (from.port === 0) {
    core.counters.messagesDropped++ // no datagram can be sent back there
    return
  }
  const message = parseMessage(text, listener.reliable)
  switch (message.kind) {
    case 'response':
      core.counters.responsesReceived++
      if (!core.transactions.receiveResponse(message, from)) core.counters.messagesDropped++
      return
    case 'request':
      core.counters.requestsReceived++
      receiveRequest(core, message, { from, listener })
      return
    case 'unusable':
      receiveUnusable(core, message, { from, listener })
  }
}

function receiveRequest(core: Core, received: SipRequest, arrival: Arrival): void {
  const key = serverKey(received, received.method)
  const transaction = core.transactions.findServer(key)
  if (received.method === 'ACK') {
    const absorbed = transaction !== undefined && transaction.state.name !== 'accepted'
    if (absorbed) core.transactions.repeat(transaction, 'ack')
    else receiveAck(core, stamped(received, arrival.from), arrival)
    return
  }
  if (transaction) core.transactions.repeat(transaction, 'retransmission')
  else receiveNew(core, received, key, arrival)
}

/** A request that is no copy of one under way. */
function receiveNew(core: Core, received: SipRequest, key: string, arrival: Arrival): void {
  const dialog = received.toTag === undefined ? undefined : findDialog(core, received)
  // Who knows a call's tags, or the branch of a request, takes part in it: a host with many calls ends many in
  // a second, and would be banned for that like a scanner.
  const isUnderWay = dialog !== undefined || takesBack(core, received)
  if (!isUnderWay && isShunned(core, arrival)) return
  const request = stamped(received, arrival.from)
  if (!isUnderWay && !isAdmitted(core, request, arrival)) return
  const refusal = decideRefusal(request, arrival.listener.reliable)
  if (refusal) {
    core.counters[counterOfRefusal(refusal.status, refusal.reason)]++
    answerStatelessly(core, request, arrival, refusal)
  } else if (request.method === 'CANCEL') receiveCancel(core, request, key, arrival)
  else if (request.toTag === undefined) receiveInitial(core, request, key, arrival)
  else receiveInDialog(core, request, dialog, { key, arrival })
}

/** Whether a request is the CANCEL of an INVITE that is here. */
function takesBack(core: Core, request: SipRequest): boolean {
  if (request.method !== 'CANCEL') return false
  return core.transactions.findServer(serverKey(request, 'INVITE')) !== undefined
}

function isAdmitted(core: Core, request: SipRequest, arrival: Arrival): boolean {
  const admission = admit(core, arrival.from.address)
  if (admission === 'admit') return true
  if (admission === 'answer_busy')
    answerStatelessly(core, request, arrival, { status: 503, headers: [['Retry-After', '5']] })
  return false
}

/**
 * Whether a source is banned from what is new. What belongs to calls and requests under way is heard all the
 * same: whoever sends datagrams in a buyer's name would silence its phones else.
 */
function isShunned({ counters, guard }: Core, { from }: Arrival): boolean {
  if (!guard.isBanned(from.address)) return false
  counters.messagesDropped++
  counters.messagesOfBannedSources++
  return true
}

function receiveUnusable(core: Core, message: Unusable, arrival: Arrival): void {
  if (isShunned(core, arrival)) return
  const { headers, reason, status } = message
  core.counters[counterOfRefusal(status, reason)]++
  const via = parseVia(headers.find((header) => header.key === 'via')?.value ?? '')
  if (status === undefined || !via || admit(core, arrival.from.address) !== 'admit') {
    core.counters.messagesDropped++
    return
  }
  answerStatelessly(core, { headers, via }, arrival, { status, reason })
}

/** The request with the place it really came from written into its first Via. */
function stamped(request: SipRequest, from: Hop): SipRequest {
  const at = request.headers.findIndex((header) => header.key === 'via')
  const field = request.headers[at]
  if (!field) return request
  const value = stampVia(field.value, request.via, from)
  if (value === field.value) return request
  const headers: HeaderField[] = [...request.headers]
  headers[at] = { ...field, value }
  // The value stands in the text as it was received: its first occurrence is the first Via.
  const start = request.text.indexOf(field.value)
  const text = request.text.slice(0, start) + value + request.text.slice(start + field.value.length)
  return { ...request, headers, text }
}
