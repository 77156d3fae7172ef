import type { EventEmitter } from 'node:events'
import { inBackground, type OnFailure } from './in-background.ts'
import type {
  Dialog,
  FinalResponse,
  RawDialog,
  ReceivedResponse,
  RequestHandler,
  SipRequest,
  SipResponse,
} from './srf.ts'

type Acknowledge = (options?: { readonly body: string; readonly headers: object }) => void

/**
 * Sends requests in a dialog, each once and with nothing but what is given. Not by the client's own way of
 * doing that, which leaves an UPDATE unanswered that comes while a request of ours is under way.
 * @param lost tells once when the SIP server is gone
 */
export function requestIn(raw: RawDialog, lost: EventEmitter): Dialog['request'] {
  return (method, { headers, body }) =>
    new Promise((resolve) => {
      const end = (final?: FinalResponse) => {
        lost.off('lost', onLost)
        resolve(final)
      }
      const onLost = () => end()
      lost.once('lost', onLost)
      const { id: stackDialogId, socket } = raw
      const message = { method, headers: { ...headers }, ...(body && { body }) }
      try {
        raw.agent.request({ ...message, stackDialogId, _socket: socket }, (error, sent) => {
          if (error || !sent) return end()
          sent.on('update', (...received: [SipRequest, SipResponse]) => raw.handle(...received))
          return sent.on('response', (response: ReceivedResponse, ack: Acknowledge) => {
            if (response.status >= 200) end(finalOf(method, body, response, ack))
          })
        })
      } catch {
        end()
      }
    })
}

/** The ACK goes out at once, unless it is to hold the answer to an offer. */
function finalOf(
  method: string,
  body: string | undefined,
  response: ReceivedResponse,
  ack: Acknowledge,
): FinalResponse {
  if (method !== 'INVITE') return { response }
  if (response.status < 300 && !body) {
    const headers = { 'Content-Type': 'application/sdp' }
    return { response, acknowledge: (body) => sendAck(() => ack({ body, headers })) }
  }
  sendAck(ack)
  return { response }
}

/** The client throws where the SIP server is gone; the dialog has ended with it, and needs no ACK any more. */
function sendAck(send: () => void): void {
  try {
    send()
  } catch {
    // Whoever holds the dialog hears of its end by itself.
  }
}

/** An UPDATE of a buyer that has not answered yet: our own offer is before it. @see RFC 3311 §5.2 */
export function answerEarlyUpdate(update: SipRequest, response: SipResponse): void {
  response.send(update.body ? 491 : 200)
}

/** A handler that fails, at once or later, is told of and its request answered with 500; the dialog goes on. */
export function guarded(handler: RequestHandler, onFailure: OnFailure) {
  return (request: SipRequest, response: SipResponse): void =>
    inBackground(
      () => handler(request, response),
      (error) => {
        onFailure(error)
        if (!response.finalResponseSent) response.send(500)
      },
    )
}

/** A request that the client's dialog cannot digest is answered with 500 instead of ending the process. */
export function guardHandling(raw: RawDialog): void {
  const handle = raw.handle.bind(raw)
  raw.handle = (request, response) => {
    try {
      handle(request, response)
    } catch {
      if (!response.finalResponseSent) response.send(500)
    }
  }
}
