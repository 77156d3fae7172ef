import { headerValue, headerValues, listElements } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { parseDigits } from '../message/uri.ts'
import { openAsClient } from './open-dialog.ts'
import type { Core, Dialog, Invitation } from './state.ts'

/**
 * Whether a provisional response says something new. Of the reliable ones each has the number
 * after the last: copies, and those that have overtaken others, are left to be repeated.
 *
 * @see RFC 3262 §4
 */
export function isNews(invitation: Invitation, response: SipResponse): boolean {
  const { headers, toTag } = response
  const required = listElements(headerValues(headers, 'require'))
  const rseq = parseDigits(headerValue(headers, 'rseq') ?? '', 10)
  if (rseq === undefined || toTag === undefined || !required.includes('100rel')) return true
  const { reliable } = invitation
  if (reliable?.toTag === toTag && rseq !== reliable.rseq + 1) return false
  invitation.reliable = { toTag, rseq }
  return true
}

/** Opens the early dialog that a reliable provisional response makes, for its PRACK to go in. */
export function openEarly(core: Core, invitation: Invitation, response: SipResponse): void {
  const known = core.dialogs.get(invitation.dialogId)
  if (invitation.dialog || known?.state.remoteTag === response.toTag) return
  core.dialogs.set(invitation.dialogId, {
    ...openAsClient(invitation, invitation.localParty, response),
    phase: 'early',
  })
}

/** Forgets the early dialog of a call that does not come about. */
export function closeEarly(core: Core, { dialog, dialogId }: Invitation): void {
  if (!dialog && core.dialogs.get(dialogId)?.phase === 'early') core.dialogs.delete(dialogId)
}

/**
 * The dialog of the answer: its early one with the routes of the 2xx, or a new one.
 *
 * @see RFC 3261 §13.2.2.4
 */
export function confirmEarly(core: Core, invitation: Invitation, response: SipResponse): Dialog {
  const fresh = openAsClient(invitation, invitation.localParty, response)
  const early = core.dialogs.get(invitation.dialogId)
  if (!early || early.state.remoteTag !== response.toTag) return fresh
  const { localCSeq, remoteCSeq } = early.state
  return { ...fresh, state: { ...fresh.state, localCSeq, remoteCSeq } }
}
