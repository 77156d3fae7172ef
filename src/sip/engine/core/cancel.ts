import { deliveryPayload } from '../control/messages.ts'
import { headerValue } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'
import { composeResponse, reasonPhrase, serialise } from '../message/serialise.ts'
import { serverKey } from '../transaction/layer.ts'
import { respondWith } from './own-answer.ts'
import { hangUp } from './hang-up.ts'
import { answerStatelessly, type Arrival, responseHop } from './refuse.ts'
import { type Core, deliverRequest, type ServerRequest } from './state.ts'

/**
 * A CANCEL: 200 to it and 487 to its INVITE, both from the engine, and the CANCEL to the
 * application. After a 2xx of ours it comes too late; it then gets 481, as from
 * drachtio-server, and the call a BYE, other than RFC 3261 §9.2 asks, because its sender wants no call.
 */
export function receiveCancel(core: Core, cancel: SipRequest, key: string, arrival: Arrival): void {
  const inviteKey = serverKey(cancel, 'INVITE')
  const invite = core.transactions.findServer(inviteKey)
  const pending = core.serverRequests.get(core.txnByKey.get(inviteKey) ?? '')
  if (!invite || (!pending && invite.state.name === 'accepted')) {
    answerStatelessly(core, cancel, arrival, { status: 481 })
    return
  }
  if (pending?.final !== undefined && invite.state.name === 'accepted') {
    answerStatelessly(core, cancel, arrival, { status: 481 })
    if (pending.dialog && !pending.inDialog)
      hangUp(core, pending.dialog, { text: 'CANCEL after 200 OK', tell: true, atOnce: true })
    return
  }
  acceptCancel(core, cancel, { key, arrival, tag: pending?.localTag })
  if (pending) endInvite(core, pending, cancel, arrival)
}

function acceptCancel(
  core: Core,
  cancel: SipRequest,
  parts: { readonly key: string; readonly arrival: Arrival; readonly tag: string | undefined },
): void {
  const { key, arrival, tag } = parts
  const hop = responseHop(cancel.via, arrival.from)
  const { listener } = arrival
  const transaction = core.transactions.createServer({ key, invite: false, hop, listener })
  const answer = { status: 200, reason: reasonPhrase(200), recordRoute: false, body: '' }
  const text = composeResponse(cancel, { ...answer, toTag: tag, headers: [] })
  core.transactions.respond(transaction, 200, text)
}

/** Ends an INVITE that is not answered yet, in the name of its sender. */
export function endInvite(
  core: Core,
  pending: ServerRequest,
  cancel: SipRequest,
  arrival: Arrival,
): void {
  const dialogId = pending.dialog ? pending.dialogId : ''
  deliverRequest(pending, cancel, arrival.from, { dialogId })
  pending.isCancelled = true
  respondWith(core, pending, 487)
}

/** Tells an application that an INVITE it has not answered is over, by a CANCEL of the engine's. */
export function tellCancelled({ application, dialog, dialogId, ...pending }: ServerRequest): void {
  const { request, transaction, txn } = pending
  const value = (key: string): string => headerValue(request.headers, key) ?? ''
  const text = serialise(
    `CANCEL ${request.uri} SIP/2.0`,
    [
      ['Via', value('via')],
      ['From', value('from')],
      ['To', value('to')],
      ['Call-ID', request.sipCallId],
      ['CSeq', `${request.cseq} CANCEL`],
      ['Max-Forwards', '70'],
    ],
    '',
  )
  const id = dialog ? dialogId : ''
  const hop = transaction.hop
  application.send(deliveryPayload({ source: 'network', hop, txn, dialogId: id, text }))
}
