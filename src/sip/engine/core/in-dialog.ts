import { contactUri, isInOrder, refreshesTarget } from '../dialog/dialog.ts'
import { isTooShort, SESSION_SECONDS_MIN } from '../dialog/session-timer.ts'
import type { SipRequest } from '../message/message.ts'
import { composeResponse, type HeaderLine, reasonPhrase } from '../message/serialise.ts'
import { releaseBye } from './acknowledge.ts'
import { endInvite } from './cancel.ts'
import { endDialog, recordStop } from './hang-up.ts'
import { acceptRequest } from './initial.ts'
import { sendNext, takePrack } from './reliable.ts'
import { answerStatelessly, type Arrival, responseHop } from './refuse.ts'
import { isSettledBy } from './session-timer.ts'
import { type Core, deliverRequest, type Dialog } from './state.ts'

/** A request with a To tag: it goes to the application that has its dialog, or is refused. */
export function receiveInDialog(
  core: Core,
  request: SipRequest,
  dialog: Dialog | undefined,
  way: Way,
): void {
  const refusal = dialog ? decideInDialog(dialog, request) : { status: 481 }
  if (!dialog || refusal) {
    answerStatelessly(core, request, way.arrival, refusal ?? { status: 481 })
    return
  }
  follow(dialog, request)
  if (request.method === 'BYE') receiveBye(core, dialog, request, way)
  else deliver(core, dialog, request, way)
}

interface Way {
  readonly key: string
  readonly arrival: Arrival
}

function deliver(core: Core, dialog: Dialog, request: SipRequest, { key, arrival }: Way): void {
  const { application } = dialog
  if (!application.isConnected()) {
    answerStatelessly(core, request, arrival, { status: 481 })
    return
  }
  const acknowledged =
    request.method === 'PRACK' ? takePrack(core, request, dialog.pendingInvite) : undefined
  if (request.method === 'PRACK' && !acknowledged) {
    answerStatelessly(core, request, arrival, { status: 481 })
    return
  }
  const pending = acceptRequest(core, request, key, { application, arrival, dialog })
  if (request.method === 'INVITE') dialog.pendingInvite = pending.txn
  deliverRequest(pending, request, arrival.from, { dialogId: pending.dialogId })
  if (acknowledged) sendNext(acknowledged)
}

/** Why a request does not fit its dialog now; undefined if it does. */
export function decideInDialog(
  dialog: Pick<Dialog, 'state' | 'phase' | 'answer' | 'pendingInvite' | 'sessionTimer'>,
  { cseq, headers, method }: Pick<SipRequest, 'cseq' | 'headers' | 'method'>,
): { readonly status: number; readonly headers?: readonly HeaderLine[] } | undefined {
  if (!isInOrder(dialog.state, cseq)) return { status: 500 }
  if (dialog.phase === 'closing' && method !== 'BYE') return { status: 481 }
  if (isSettledBy(method) && isTooShort(headers))
    return { status: 422, headers: [['Min-SE', String(SESSION_SECONDS_MIN)]] }
  if (method !== 'INVITE') return undefined
  // RFC 3261 §14.2: one INVITE after the other. RFC 5407 §3.1.5: the ACK of the last one first.
  if (dialog.pendingInvite !== undefined)
    return { status: 500, headers: [['Retry-After', String(cseq % 10)]] }
  // RFC 3261 §14.2: a refresh of our own is under way, of which the application knows nothing.
  return dialog.answer || dialog.sessionTimer?.isRefreshing ? { status: 491 } : undefined
}

/** Takes over what the request says about the dialog: its number, and the other side's target. */
function follow(dialog: Dialog, request: SipRequest): void {
  const remoteTarget = refreshesTarget(request.method) ? contactUri(request) : undefined
  dialog.state = {
    ...dialog.state,
    remoteCSeq: request.cseq,
    remoteTarget: remoteTarget ?? dialog.state.remoteTarget,
  }
}

/**
 * A BYE ends the dialog at once. One that ends a call still ringing is told to the application as
 * the CANCEL it stands for (RFC 3261 §15.1.2 asks for the 487 that follows); one that crosses our
 * own BYE, or whose application has gone, is answered here.
 */
function receiveBye(core: Core, dialog: Dialog, bye: SipRequest, { key, arrival }: Way): void {
  const { application, phase } = dialog
  const end = { by: 'network', why: 'normal-release', text: bye.text } as const
  if (phase !== 'early') recordStop(core, dialog, end)
  if (phase === 'confirmed' && application.isConnected()) {
    const pending = acceptRequest(core, bye, key, { application, arrival, dialog })
    deliverRequest(pending, bye, arrival.from, { dialogId: pending.dialogId })
    endDialog(core, dialog)
    return
  }
  acceptBye(core, dialog, bye, { key, arrival })
  const invite = core.serverRequests.get(dialog.pendingInvite ?? '')
  releaseBye(dialog) // its application waits for an answer, were it a 481
  endDialog(core, dialog)
  if (phase === 'early' && invite) endInvite(core, invite, asCancel(bye), arrival)
}

function acceptBye(core: Core, dialog: Dialog, bye: SipRequest, { key, arrival }: Way): void {
  const hop = responseHop(bye.via, arrival.from)
  const { listener } = arrival
  const transaction = core.transactions.createServer({ key, invite: false, hop, listener })
  const text = composeResponse(bye, {
    status: 200,
    reason: reasonPhrase(200),
    toTag: dialog.state.localTag,
    recordRoute: false,
    headers: [],
    body: '',
  })
  core.transactions.respond(transaction, 200, text)
}

function asCancel(bye: SipRequest): SipRequest {
  const text = bye.text.replace(/^BYE /, 'CANCEL ').replace(/^(CSeq:[^\r]*)BYE/im, '$1CANCEL')
  return { ...bye, method: 'CANCEL', text }
}
