import { deliveryPayload } from '../control/messages.ts'
import type { HeaderField } from '../message/headers.ts'
import { endAnswer } from './acknowledge.ts'
import type { SipResponse } from '../message/message.ts'
import { composeOwn } from './compose.ts'
import { respondWith } from './own-answer.ts'
import { stopSessionTimer } from './session-timer.ts'
import { type Core, type Dialog, type OutgoingRequest, ownRequest, recordCall } from './state.ts'
import { startRequest } from './start-request.ts'

/** Why and how the engine hangs up by itself. */
export interface HangUp {
  /** What the Reason header says. */
  readonly text: string
  /** SIP cause in the Reason header: 200 unless given. */
  readonly cause?: number
  /** Whether the application is told, by an unsolicited BYE. */
  readonly tell: boolean
  /** What the call's record says of its end, if it is not that the server has ended it. */
  readonly record?: string
  /** Whether the BYE goes out although our 2xx is not acknowledged yet. */
  readonly atOnce?: boolean
}

/** How drachtio-server names an end of its own making. */
const OF_OURS = 'system-initiated-termination'

/** Ends a dialog with a BYE of the engine's own. */
export function hangUp(core: Core, dialog: Dialog, why: HangUp): void {
  if (dialog.phase === 'closing') return
  core.counters.callsHungUp++
  const value = `SIP;cause=${why.cause ?? 200};text="${why.text}"`
  const headers: HeaderField[] = [{ key: 'reason', name: 'Reason', value }]
  const cseq = dialog.state.localCSeq + 1
  const wish = { method: 'BYE', uri: '', headers, body: '', proxy: '' }
  const { request } = composeOwn(core, dialog, wish, cseq)
  dialog.state = { ...dialog.state, localCSeq: cseq }
  dialog.phase = 'closing'
  if (why.tell) tellUnsolicited(dialog, request)
  recordStop(core, dialog, { by: 'application', why: why.record ?? OF_OURS, text: request.text })
  const send = (): void => {
    sendOwnRequest(core, dialog, request, () => {
      endDialog(core, dialog)
    })
  }
  if (isUnacknowledged(dialog) && why.atOnce !== true) dialog.heldBye = send
  else send()
}

/**
 * Records the end of a call, by the first BYE of either side: another follows where the first is challenged or
 * crosses one. A fork that nobody took has no record, nor has a subscription.
 */
export function recordStop(
  core: Core,
  dialog: Dialog,
  end: { readonly by: 'network' | 'application'; readonly why: string; readonly text: string },
): void {
  const isCall = core.dialogs.get(dialog.state.id) === dialog && !dialog.expiry
  if (!isCall || dialog.isStopRecorded) return
  dialog.isStopRecorded = true
  recordCall(core, 'stop', end.by, end.why, end.text)
}

/**
 * Sends a request of the engine's own and calls back when it is over: with the final response, or
 * with nothing if none came.
 */
export function sendOwnRequest(
  core: Core,
  dialog: Dialog,
  sent: OutgoingRequest,
  onOver: (response?: SipResponse) => void,
): void {
  startRequest(core, ownRequest(dialog, sent), {
    onResponse: (response) => {
      if (response.status >= 200) onOver(response)
    },
    onFailure: () => {
      onOver()
    },
    composeAck: () => '',
    onEnd: () => undefined,
  })
}

function tellUnsolicited(dialog: Dialog, { listener, text }: OutgoingRequest): void {
  const { host: address, port } = listener.sentBy
  dialog.application.send(
    deliveryPayload({
      source: 'application',
      hop: { transport: listener.transport, address, port },
      txn: 'unsolicited',
      dialogId: dialog.state.id,
      text,
    }),
  )
}

/**
 * Whether the caller has yet to acknowledge the answer that made the dialog. Until then there is
 * nothing to end, and a BYE has to wait. @see RFC 3261 §15
 */
export function isUnacknowledged(dialog: Dialog): boolean {
  return dialog.answer !== undefined && !dialog.answer.serverRequest.inDialog
}

/** Enters a dialog under its id. A subscription that had the same one is replaced, and its time ends. */
export function enterDialog(core: Core, dialog: Dialog): void {
  const before = core.dialogs.get(dialog.state.id)
  if (before?.expiry) endDialog(core, before)
  core.dialogs.set(dialog.state.id, dialog)
}

/** Forgets a dialog; a re-INVITE of the other side that is unanswered ends with it. */
export function endDialog(core: Core, dialog: Dialog): void {
  dialog.phase = 'closing' // what still comes from applications and timers finds it over
  const invite = core.serverRequests.get(dialog.pendingInvite ?? '')
  if (invite?.inDialog) respondWith(core, invite, 487) // RFC 3261 §15.1.2
  endAnswer(core, dialog)
  dialog.heldBye = undefined
  dialog.expiry?.cancel()
  for (const invitation of dialog.unacknowledged.splice(0)) invitation.deadline?.cancel()
  if (core.dialogs.get(dialog.state.id) === dialog) core.dialogs.delete(dialog.state.id)
  stopSessionTimer(dialog) // after which what waited for it finds no dialog
}
