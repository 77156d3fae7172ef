import { headerValue, headerValues, listElements } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { parseDigits } from '../message/uri.ts'
import { openAsClient } from './open-dialog.ts'
import type { Core, Dialog, Invitation } from './state.ts'

/** Forks of one INVITE whose reliable responses are followed; those of more are left to time out. */
const FORKS_MAX = 16

/**
 * What a provisional response is: one that says something new, plainly or reliably, or a copy. Of the reliable
 * ones of each fork every one has the number after the last: copies, and those that have overtaken others, are
 * left to be repeated.
 *
 * @see RFC 3262 §4
 */
export function takeProvisional(
  invitation: Invitation,
  { headers, toTag }: SipResponse,
): 'plain' | 'reliable' | 'copy' {
  const required = listElements(headerValues(headers, 'require'))
  const rseq = parseDigits(headerValue(headers, 'rseq') ?? '', 10)
  if (rseq === undefined || toTag === undefined || !required.includes('100rel')) return 'plain'
  const heard = (invitation.reliable ??= new Map<string, number>())
  const last = heard.get(toTag)
  if (last === undefined ? heard.size >= FORKS_MAX : rseq !== last + 1) return 'copy'
  heard.set(toTag, rseq)
  return 'reliable'
}

/** Opens the early dialog that a reliable provisional response makes, for its PRACK to go in. */
export function openEarly(core: Core, invitation: Invitation, response: SipResponse): void {
  const known = core.dialogs.get(invitation.dialogId)
  if (invitation.dialog || known?.state.remoteTag === response.toTag) return
  const dialog = openAsClient(invitation, invitation.localParty, response)
  core.dialogs.set(invitation.dialogId, { ...countOn(dialog, known), phase: 'early' })
}

/**
 * The dialog of one fork with numbers that go on from those of another: applications know both by one id, so
 * that it is not known which of our requests went to which. Gaps are allowed. @see RFC 3261 §12.2.1.1
 */
export function countOn(dialog: Dialog, other: Dialog | undefined): Dialog {
  const localCSeq = Math.max(dialog.state.localCSeq, other?.state.localCSeq ?? 0)
  return { ...dialog, state: { ...dialog.state, localCSeq } }
}

/** Forgets the early dialog of a call that does not come about. */
export function closeEarly(core: Core, invitation: Invitation): void {
  const { dialog, dialogId } = invitation
  const early = core.dialogs.get(dialogId)
  if (dialog || early?.phase !== 'early') return
  core.dialogs.delete(dialogId)
  invitation.closedEarly = early
}

/**
 * The dialog of the answer: its early one with the routes of the 2xx, or a new one.
 *
 * @see RFC 3261 §13.2.2.4
 */
export function confirmEarly(core: Core, invitation: Invitation, response: SipResponse): Dialog {
  const early = core.dialogs.get(invitation.dialogId) ?? invitation.closedEarly
  const fresh = countOn(openAsClient(invitation, invitation.localParty, response), early)
  if (early?.state.remoteTag !== response.toTag) return fresh
  return { ...fresh, state: { ...fresh.state, remoteCSeq: early?.state.remoteCSeq } }
}
