import type { SipRequest } from '../message/message.ts'
import { findDialog } from './find-dialog.ts'
import { hangUp } from './hang-up.ts'
import type { Arrival } from './refuse.ts'
import { repeatUntilAcknowledged } from './repeat.ts'
import { type Core, deliverRequest, type Dialog, newTxn, type ServerRequest } from './state.ts'

/** Repeats a 2xx, which was sent once, until its ACK arrives. */
export function repeatUntilAck(
  core: Core,
  serverRequest: ServerRequest,
  dialog: Dialog,
  text: string,
): void {
  const { hop, listener } = serverRequest.transaction
  const repetition = repeatUntilAcknowledged(core, {
    send: () => {
      listener.send(text, hop)
    },
    isRepeated: !listener.reliable,
    ceilingMs: core.settings.timers.t2Ms,
    onGiveUp: () => {
      endAnswer(core, dialog)
      giveUp(core, dialog)
    },
  })
  dialog.answer = { serverRequest, repetition }
}

function giveUp(core: Core, dialog: Dialog): void {
  core.counters.ackTimeouts++
  if (dialog.phase === 'confirmed' && !dialog.heldBye)
    hangUp(core, dialog, { text: 'ACK timeout', tell: true })
  else releaseBye(dialog)
}

/** Sends the BYE that waited for the ACK of our 2xx, if one did. */
export function releaseBye(dialog: Dialog): void {
  const { heldBye } = dialog
  dialog.heldBye = undefined
  heldBye?.()
}

/** Stops repeating the 2xx of a dialog, if it still is. */
export function endAnswer(core: Core, dialog: Dialog): void {
  const { answer } = dialog
  if (!answer) return
  dialog.answer = undefined
  answer.repetition.stop()
  core.serverRequests.delete(answer.serverRequest.txn)
}

/** An ACK that no transaction took: it acknowledges a 2xx, or nothing that is still known. */
export function receiveAck(core: Core, ack: SipRequest, arrival: Arrival): void {
  const dialog = findDialog(core, ack)
  const answer = dialog?.answer
  if (!dialog || !answer || answer.serverRequest.request.cseq !== ack.cseq) {
    core.counters.messagesDropped++
    return
  }
  const { serverRequest } = answer
  const txn = serverRequest.inDialog ? newTxn() : serverRequest.txn
  const { application, dialogId } = serverRequest
  const isNews = dialog.phase === 'confirmed'
  endAnswer(core, dialog)
  releaseBye(dialog)
  if (isNews) deliverRequest({ application, txn }, ack, arrival.from, { dialogId })
}
