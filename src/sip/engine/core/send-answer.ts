import { repeatUntilAck } from './acknowledge.ts'
import { rememberRefusal } from './copies.ts'
import { enterDialog, hangUp } from './hang-up.ts'
import { openAsServer } from './open-dialog.ts'
import { keepRinging } from './own-answer.ts'
import { repeatUntilPrack, sendInTurn, stopReliable } from './reliable.ts'
import { settleAsServer } from './session-timer.ts'
import { answerSubscription } from './subscription.ts'
import { type Core, type Dialog, recordCall, type ServerRequest } from './state.ts'

/** A response to a request of the network, ready to go. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** The number of a provisional response that has to arrive. */
  readonly rseq: number | undefined
  /** Called before anything can follow from it. */
  readonly onSent: () => void
  readonly onDropped: () => void
}

/** Sends a response and does what follows from it for the dialog. */
export function sendAnswer(core: Core, pending: ServerRequest, answer: Answer): void {
  const { status, text } = answer
  const isInvite = pending.request.method === 'INVITE'
  // Anything but an INVITE is answered in time, or its sender gives up: a provisional response prolongs nothing.
  if (isInvite || status >= 200) {
    pending.silence?.cancel()
    pending.silence = undefined
  }
  if (isInvite) {
    sendInviteAnswer(core, pending, answer)
    return
  }
  answerSubscription(core, pending, status, text)
  if (pending.dialog && pending.request.method === 'UPDATE' && status >= 200 && status < 300)
    settleAsServer(core, pending.dialog, text)
  answer.onSent()
  core.transactions.respond(pending.transaction, status, text)
  if (status >= 200) core.serverRequests.delete(pending.txn)
}

function sendInviteAnswer(core: Core, pending: ServerRequest, answer: Answer): void {
  const { onDropped, onSent, rseq, status, text } = answer
  if (status >= 300) {
    onSent()
    rejectInvite(core, pending, status, text)
    return
  }
  if (status > 100) pending.dialog ??= openDialog(core, pending)
  if (status >= 200) pending.final = text
  else keepRinging(core, pending)
  const send = (): void => {
    onSent()
    core.transactions.respond(pending.transaction, status, text)
    if (rseq !== undefined) repeatUntilPrack(core, pending, { rseq, text })
    else if (status >= 200 && pending.dialog) acceptInvite(core, pending, pending.dialog, text)
  }
  if (rseq !== undefined || status >= 200) sendInTurn(pending, { send, drop: onDropped })
  else send()
}

function acceptInvite(core: Core, pending: ServerRequest, dialog: Dialog, text: string): void {
  dialog.pendingInvite = undefined
  if (dialog.phase === 'early') dialog.phase = 'confirmed'
  if (!pending.inDialog) {
    core.counters.callsAnsweredIn++
    recordCall(core, 'start', 'application', 'uas', text)
  }
  repeatUntilAck(core, pending, dialog, text)
  settleAsServer(core, dialog, text)
  // It died while its answer waited for a PRACK.
  if (!pending.application.isConnected())
    hangUp(core, dialog, { text: 'Application gone', cause: 503, tell: false })
}

function rejectInvite(core: Core, pending: ServerRequest, status: number, text: string): void {
  core.serverRequests.delete(pending.txn)
  stopReliable(pending)
  if (!pending.inDialog) rememberRefusal(core, pending, status, text)
  core.transactions.respond(pending.transaction, status, text)
  const { dialog } = pending
  if (dialog) dialog.pendingInvite = undefined
  if (dialog?.phase === 'early') core.dialogs.delete(dialog.state.id)
  if (pending.inDialog) return
  if (pending.isCancelled)
    recordCall(core, 'stop', 'network', 'call-canceled', pending.request.text)
  else recordCall(core, 'stop', 'application', 'call-rejected', text)
}

function openDialog(core: Core, pending: ServerRequest): Dialog {
  const dialog: Dialog = {
    ...openAsServer(pending),
    phase: 'early',
    pendingInvite: pending.txn,
  }
  enterDialog(core, dialog)
  return dialog
}
