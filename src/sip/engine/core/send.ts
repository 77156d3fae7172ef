import { deliveryPayload } from '../control/messages.ts'
import { parseAddress } from '../message/address.ts'
import { hasEmptyElement, headerValue, headerValues, listElements } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { parseMessage } from '../message/parse.ts'
import { composeResponse, reasonPhrase } from '../message/serialise.ts'
import { NETWORK_LIMITS, splitMessage } from '../message/split.ts'
import type { Failure } from '../transaction/timers.ts'
import type { Hop } from '../transport/transport.ts'
import { newTag } from './identifiers.ts'
import type { ClientRequest, OutgoingRequest } from './state.ts'

/**
 * A response that nobody sent, for an application that has to be told of a failure: as if the
 * other side had answered the request so. @see RFC 3261 §8.1.3.1
 */
export function syntheticResponse(
  sent: OutgoingRequest,
  status: number,
  reason: string,
): SipResponse | undefined {
  const { headers } = splitMessage(sent.text, NETWORK_LIMITS)
  const isTagged = headerValue(headers, 'to')?.includes(';tag=') === true
  const text = composeResponse(
    { headers },
    {
      status,
      reason,
      recordRoute: false,
      headers: [],
      body: '',
      toTag: isTagged ? undefined : newTag(),
    },
  )
  const response = parseMessage(text, true)
  return response.kind === 'response' ? response : undefined
}

/** Status and reason of the response that stands for a failure. */
export function statusOfFailure(failure: Failure): { status: number; reason: string } {
  const status = STATUS_OF_FAILURE[failure]
  return { status, reason: reasonPhrase(status) }
}

const STATUS_OF_FAILURE: Readonly<Record<Failure, number>> = {
  transport_error: 503,
  timeout: 408,
  ringing_too_long: 408,
  cancelled: 487,
}

/** Where a response of the engine's own comes from: no peer, which is how applications tell it. */
export function noHop(sent: OutgoingRequest): Hop {
  return { ...localHop(sent), address: '', port: 0 }
}

/** The engine's end of the way a request goes. */
export function localHop({ listener }: OutgoingRequest): Hop {
  const { host: address, port } = listener.sentBy
  return { transport: listener.transport, address, port }
}

/** Hands a response to the application whose request it answers. */
export function deliverResponse(client: ClientRequest, response: SipResponse, hop: Hop): void {
  const { application, dialogId, txn } = client
  const text = readable(response)
  application?.send(deliveryPayload({ source: 'network', hop, txn, dialogId, text }))
}

/**
 * The text of a response without what its client would choke on: it reads the Contacts of a
 * redirection without a second thought.
 */
function readable({ headers, text }: SipResponse): string {
  const values = headerValues(headers, 'contact')
  const isSound = listElements(values).every((contact) => parseAddress(contact) !== undefined)
  if (isSound && !hasEmptyElement(values)) return text
  return text.replace(/\r\nContact[ \t]*:[^\r]*/gi, '')
}
