import { begin, type Effect, type Input, step } from '../dialog/answer.ts'
import type { SipRequest } from '../message/message.ts'
import { findDialog } from './find-dialog.ts'
import { hangUp } from './hang-up.ts'
import type { Arrival } from './refuse.ts'
import {
  type Core,
  deliverRequest,
  type Dialog,
  newTxn,
  type PendingAnswer,
  type ServerRequest,
} from './state.ts'

/** Repeats a 2xx, which was sent once, until its ACK arrives. */
export function repeatUntilAck(
  core: Core,
  serverRequest: ServerRequest,
  dialog: Dialog,
  text: string,
): void {
  const { hop, listener } = serverRequest.transaction
  const [progress, effects] = begin(core.settings.timers, listener.reliable)
  const answer: PendingAnswer = {
    serverRequest,
    text,
    hop,
    listener,
    progress,
    repeat: undefined,
    giveUp: undefined,
  }
  dialog.answer = answer
  for (const effect of effects) carryOut(core, dialog, answer, effect)
}

function feed(core: Core, dialog: Dialog, answer: PendingAnswer, input: Input): boolean {
  const [progress, effects] = step(answer.progress, input, core.settings.timers)
  answer.progress = progress
  for (const effect of effects) carryOut(core, dialog, answer, effect)
  return effects.length > 0
}

function carryOut(core: Core, dialog: Dialog, answer: PendingAnswer, effect: Effect): void {
  switch (effect.type) {
    case 'send':
      answer.listener.send(answer.text, answer.hop)
      break
    case 'start_timer': {
      const { afterMs, timer } = effect
      const handle = core.wheel.start(afterMs, () => {
        feed(core, dialog, answer, { type: 'timer', timer })
      })
      if (timer === 'repeat') answer.repeat = handle
      else answer.giveUp = handle
      break
    }
    case 'acknowledged':
      endAnswer(core, dialog)
      releaseBye(dialog)
      break
    case 'give_up':
      endAnswer(core, dialog)
      giveUp(core, dialog)
  }
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
  answer.repeat?.cancel()
  answer.giveUp?.cancel()
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
  feed(core, dialog, answer, { type: 'ack' })
  if (isNews) deliverRequest({ application, txn }, ack, arrival.from, { dialogId })
}
