import { dialogIdOf } from '../dialog/dialog.ts'
import type { SipRequest } from '../message/message.ts'
import type { Core, Dialog } from './state.ts'

/**
 * The dialog a request of the network belongs to: the one with its Call-ID and both its tags,
 * whichever side sent the first INVITE.
 *
 * @see RFC 3261 §12.2.2
 */
export function findDialog(core: Core, request: SipRequest): Dialog | undefined {
  const { fromTag = '', sipCallId, toTag = '' } = request
  const called = core.dialogs.get(dialogIdOf(sipCallId, fromTag))
  if (called && hasTags(called, toTag, fromTag)) return called
  const calling = core.dialogs.get(dialogIdOf(sipCallId, toTag))
  return calling && hasTags(calling, toTag, fromTag) ? calling : undefined
}

function hasTags({ state }: Dialog, localTag: string, remoteTag: string): boolean {
  return state.localTag === localTag && state.remoteTag === remoteTag
}
