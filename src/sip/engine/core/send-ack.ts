import { composeInDialog, type Wish } from './compose.ts'
import { findHop } from './send.ts'
import type { Core, Dialog, Invitation, OutgoingRequest } from './state.ts'

const PLAIN_ACK: Wish = { method: 'ACK', uri: '', headers: [], body: '', proxy: '' }

/**
 * Acknowledges the 2xx of an INVITE and keeps the ACK, to be repeated when the 2xx is. An ACK has
 * no transaction. Undefined if the dialog's other side cannot be reached at all.
 *
 * @see RFC 3261 §13.2.2.4
 */
export function sendAck(
  core: Core,
  invitation: Invitation,
  dialog: Dialog,
  wish: Wish = PLAIN_ACK,
): OutgoingRequest | undefined {
  const composed = composeInDialog(core, dialog, wish, invitation.sent.cseq)
  invitation.deadline?.cancel()
  if (composed.kind === 'refused') return undefined
  const { listener, text } = composed.request
  findHop(composed.request, (hop) => {
    if (!hop) return
    invitation.acks ??= new Map()
    invitation.acks.set(dialog.state.remoteTag, { text, hop, listener })
    listener.send(text, hop)
  })
  return composed.request
}

/** Sends the ACK of the 2xx with this To tag again; false if there was none yet. */
export function repeatAck(invitation: Invitation, toTag: string): boolean {
  const ack = invitation.acks?.get(toTag)
  ack?.listener.send(ack.text, ack.hop)
  return ack !== undefined
}
