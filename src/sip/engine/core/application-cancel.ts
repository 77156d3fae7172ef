import type { Application } from '../control/applications.ts'
import { requestSentPayload, type SipMessageFrame } from '../control/messages.ts'
import { composeCancel, type Wish } from './compose.ts'
import { conclude } from './conclude.ts'
import { extraRequestHeaders } from './header-policy.ts'
import { localHop, syntheticResponse } from './send.ts'
import { type Core, type Invitation, newTxn, refuseApplication } from './state.ts'

/** Carries out an application's wish to cancel an INVITE of its own. */
export function cancelInvitation(
  core: Core,
  application: Application,
  frame: SipMessageFrame,
  wish: Wish,
): void {
  const invitation = core.invitations.get(frame.txn)
  if (!invitation || invitation.phase === 'answered' || invitation.phase === 'failed') {
    refuseApplication(application, frame.id, 'unable to find request to cancel')
    return
  }
  const headers = extraRequestHeaders(wish.headers)
  const text = composeCancel(invitation.sent, headers)
  application.send(requestSentPayload(frame.id, localHop(invitation.sent), newTxn(), text))
  cancelOrHold(core, invitation, headers)
}

/** Cancels an INVITE, or as soon as it has been heard of. @see RFC 3261 §9.1 */
export function cancelOrHold(
  core: Core,
  invitation: Invitation,
  headers: readonly (readonly [string, string])[],
): void {
  if (invitation.cancel !== 'none') return
  invitation.cancelHeaders = headers
  invitation.cancel = 'held'
  if (invitation.phase === 'proceeding') sendCancel(core, invitation)
}

/** Sends the CANCEL of an INVITE that has had a provisional response. */
export function sendCancel(core: Core, invitation: Invitation): void {
  const { sent, transaction } = invitation
  invitation.cancel = 'sent'
  if (!transaction) return
  core.transactions.createClient({
    branch: sent.branch,
    method: 'CANCEL',
    hop: transaction.hop,
    listener: sent.listener,
    request: composeCancel(sent, invitation.cancelHeaders),
    // Only the final response of the INVITE counts.
    user: {
      onResponse: () => undefined,
      onFailure: () => undefined,
      composeAck: () => '',
      onEnd: () => undefined,
    },
  })
  invitation.deadline = core.wheel.start(64 * core.settings.timers.t1Ms, () => {
    giveUpCancel(core, invitation)
  })
}

/** The other side ignores the CANCEL: the call, or its refresh, has ended all the same. */
function giveUpCancel(core: Core, invitation: Invitation): void {
  const { sent, transaction } = invitation
  if (!transaction || invitation.phase !== 'proceeding') return
  const response = syntheticResponse(sent, 487, 'Request Terminated')
  if (response) conclude(core, invitation, response, transaction.hop)
  core.transactions.giveUp(transaction)
}
