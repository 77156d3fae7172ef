import assert from 'node:assert/strict'
import { dialogAsClient, dialogAsServer } from '../dialog/dialog.ts'
import type { SipResponse } from '../message/message.ts'
import type { ClientRequest, Dialog, ServerRequest } from './state.ts'

/** The dialog that a response to a request of ours makes. @see RFC 3261 §12.1.2 */
export function openAsClient(
  { application, dialogId: id, sent, transaction }: ClientRequest,
  localParty: string,
  response: SipResponse,
): Dialog {
  assert(transaction, 'what is answered was sent')
  return newDialog({
    state: dialogAsClient({ id, uri: sent.uri, localParty }, response),
    application: application ?? NOBODY,
    listener: transaction.listener,
    flow: transaction.hop,
  })
}

const NOBODY = { id: 0, send: () => undefined, isConnected: () => false }

/** The dialog that our response to a request makes. @see RFC 3261 §12.1.1 */
export function openAsServer({
  application,
  localTag,
  request,
  transaction,
}: ServerRequest): Dialog {
  return newDialog({
    state: dialogAsServer(request, localTag),
    application,
    listener: transaction.listener,
    flow: transaction.hop,
  })
}

function newDialog(who: Pick<Dialog, 'state' | 'application' | 'listener' | 'flow'>): Dialog {
  return {
    ...who,
    phase: 'confirmed',
    answer: undefined,
    unacknowledged: [],
    pendingInvite: undefined,
    heldBye: undefined,
    expiry: undefined,
    isStopRecorded: false,
    sessionTimer: undefined,
  }
}
