import { composeInDialog, type Composed, type Wish } from './compose.ts'
import type { Core, Dialog, Invitation } from './state.ts'
import { findWays, reroute } from './ways.ts'

const PLAIN_ACK: Wish = { method: 'ACK', uri: '', headers: [], body: '', proxy: '' }

/**
 * Acknowledges the 2xx of an INVITE and keeps the ACK, to be repeated when the 2xx is. An ACK has
 * no transaction. Gives what was sent, or why an application's own ACK could not be.
 *
 * @see RFC 3261 §13.2.2.4
 */
export function sendAck(
  core: Core,
  invitation: Invitation,
  dialog: Dialog,
  wish: Wish = PLAIN_ACK,
): Composed {
  const composed = composeInDialog(core, dialog, wish, invitation.sent.cseq)
  if (composed.kind === 'refused') return composed
  invitation.deadline?.cancel()
  const { request } = composed
  findWays(core, request, (ways) => {
    // Nothing would tell that a larger one is refused over TCP.
    const way = ways.find(({ listener }) => listener === request.listener) ?? ways[0]
    if (!way) return
    const { hop, listener } = way
    const { text } = listener === request.listener ? request : reroute(request, listener)
    invitation.acks ??= new Map()
    invitation.acks.set(dialog.state.remoteTag, { text, hop, listener })
    listener.send(text, hop)
  })
  return composed
}

/** Sends the ACK of the 2xx with this To tag again; false if there was none yet. */
export function repeatAck(invitation: Invitation, toTag: string): boolean {
  const ack = invitation.acks?.get(toTag)
  ack?.listener.send(ack.text, ack.hop)
  return ack !== undefined
}
