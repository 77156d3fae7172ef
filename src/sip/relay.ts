import { contentType } from './headers.ts'
import type { Dialog, SipClient, SipRequest, SipResponse } from './srf.ts'
import type { Answer } from './srf.ts'

/** The two dialogs of a bridged call. */
export interface Bridge {
  readonly caller: Dialog
  readonly buyer: Dialog
}

/**
 * Answers the caller with what the buyer answered. Where the caller's INVITE had no offer, the buyer's 2xx
 * holds it and the caller's ACK the answer, which goes into our ACK to the buyer. Undefined when the caller
 * was gone by then; the buyer is still to be abandoned.
 */
export async function connectDialogs(
  client: SipClient,
  request: SipRequest,
  response: SipResponse,
  answer: Answer,
): Promise<Bridge | undefined> {
  const { body } = answer.response
  const caller = await client
    .createUas(request, response, body ? { body } : {})
    .catch(() => undefined)
  if (!caller) return undefined
  if (answer.kind === 'confirmed') return { caller, buyer: answer.dialog }
  const acked = Promise.withResolvers<string | undefined>()
  caller.onAck((ack) => acked.resolve(ack.body))
  const sdp = await Promise.race([acked.promise, caller.ended.then(() => undefined)])
  if (sdp) return { caller, buyer: await answer.acknowledge(sdp) }
  caller.hangUp({})
  return undefined
}

/** Passes on what either side sends while the call is up; what is not passed on is answered here. */
export function relayRequests({ caller, buyer }: Bridge): void {
  for (const [from, to] of [
    [caller, buyer],
    [buyer, caller],
  ] as const) {
    from.onRequest('modify', (request, response) => relay('INVITE', { to, request, response }))
    from.onRequest('info', (request, response) => relay('INFO', { to, request, response }))
    // A transfer would let either side make us call anybody.
    from.onRequest('refer', (_, response) => response.send(603))
    from.onRequest('message', (_, response) => response.send(405))
  }
}

interface Relayed {
  readonly to: Dialog
  readonly request: SipRequest
  readonly response: SipResponse
}

function relay(method: string, { to, request, response }: Relayed): void {
  const body = request.body ?? ''
  const options = body === '' ? {} : { body, headers: contentType(request) }
  void to.request(method, options).then((answer) => {
    if (response.finalResponseSent) return
    if (!answer) return response.send(481)
    const answerBody = answer.body ?? ''
    return answerBody === ''
      ? response.send(answer.status)
      : response.send(answer.status, { body: answerBody, headers: contentType(answer) })
  })
}
