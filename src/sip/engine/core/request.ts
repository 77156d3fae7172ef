import type { Application } from '../control/applications.ts'
import { requestSentPayload, type SipMessageFrame } from '../control/messages.ts'
import { contactUri, dialogIdOf, refreshesTarget } from '../dialog/dialog.ts'
import { isToken } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { parseStartLine } from '../message/parse.ts'
import { NETWORK_LIMITS, splitMessage } from '../message/split.ts'
import type { Hop } from '../transport/transport.ts'
import { acknowledge } from './application-ack.ts'
import { cancelInvitation } from './application-cancel.ts'
import { composeInDialog, composeOutside, nextCSeq, type Composed, type Wish } from './compose.ts'
import { endDialog, isUnacknowledged, recordStop } from './hang-up.ts'
import { invite } from './invitation.ts'
import { deliverResponse, localHop, noHop, statusOfFailure, syntheticResponse } from './send.ts'
import { settleAsClient, withSessionHeaders } from './session-timer.ts'
import { followSubscription } from './subscription.ts'
import { type ClientRequest, type Core, type Dialog, newTxn, refuseApplication } from './state.ts'
import { startRequest } from './start-request.ts'

/** Carries out an application's wish to send a request. */
export function requestFromApplication(
  core: Core,
  application: Application,
  frame: SipMessageFrame,
): void {
  const wish = readWish(frame)
  if (typeof wish === 'string') refuseApplication(application, frame.id, wish)
  else if (wish.method === 'CANCEL') cancelInvitation(core, application, frame, wish)
  else if (frame.dialogId === '') requestOutside(core, application, frame, wish)
  else if (wish.method === 'ACK') acknowledge(core, application, frame, wish)
  else requestInside(core, application, frame, wish)
}

function readWish(frame: SipMessageFrame): Wish | string {
  const split = splitMessage(frame.text, NETWORK_LIMITS)
  if (split.kind === 'fault') return `invalid message: ${split.reason}`
  const line = parseStartLine(split.startLine)
  if (line.kind !== 'request') return `invalid request line: ${split.startLine}`
  const { headers, rest } = split
  return { method: line.method, uri: line.uri, headers, body: rest, proxy: frame.proxy }
}

function requestOutside(
  core: Core,
  application: Application,
  frame: SipMessageFrame,
  wish: Wish,
): void {
  if (!isToken(wish.method) || wish.method === 'ACK') {
    refuseApplication(application, frame.id, 'unable to find dialog')
    return
  }
  const composed = composeOutside(core, wish)
  if (composed.kind === 'refused') {
    refuseApplication(application, frame.id, composed.reason)
    return
  }
  const { sipCallId, fromTag } = composed.place
  const makesDialog = wish.method === 'INVITE' || wish.method === 'SUBSCRIBE'
  const dialogId = makesDialog ? dialogIdOf(sipCallId, fromTag) : ''
  dispatch(core, { application, frame, composed, dialogId, dialog: undefined })
}

function requestInside(
  core: Core,
  application: Application,
  frame: SipMessageFrame,
  wish: Wish,
): void {
  const dialog = core.dialogs.get(frame.dialogId)
  if (!dialog || dialog.phase === 'closing') {
    refuseApplication(application, frame.id, 'unable to find dialog')
    return
  }
  if (wish.method === 'INVITE' && dialog.sessionTimer?.isRefreshing) {
    // The application knows nothing of the re-INVITE under way: one after the other.
    dialog.sessionTimer.waiting.push(() => {
      requestInside(core, application, frame, wish)
    })
    return
  }
  const cseq = nextCSeq(dialog.state, wish.headers)
  const composed = composeInDialog(core, dialog, withSessionHeaders(dialog, wish), cseq)
  if (composed.kind === 'refused') {
    refuseApplication(application, frame.id, composed.reason)
    return
  }
  dialog.state = { ...dialog.state, localCSeq: cseq }
  dispatch(core, { application, frame, composed, dialogId: dialog.state.id, dialog })
}

interface Dispatch {
  readonly application: Application
  readonly frame: SipMessageFrame
  readonly composed: Extract<Composed, { kind: 'request' }>
  readonly dialogId: string
  readonly dialog: Dialog | undefined
}

function dispatch(core: Core, { application, composed, frame, dialog, dialogId }: Dispatch): void {
  const { place, request: sent } = composed
  const txn = newTxn()
  // The application learns of its request before anything can be said about it.
  application.send(requestSentPayload(frame.id, localHop(sent), txn, sent.text))
  const client: ClientRequest = {
    txn,
    application,
    dialogId,
    dialog,
    sent,
    transaction: undefined,
  }
  if (sent.method === 'INVITE') invite(core, client, place.localParty)
  else if (sent.method === 'BYE' && dialog) {
    recordStop(core, dialog, { by: 'application', why: 'normal-release', text: sent.text })
    sendBye(core, client, dialog)
  } else
    sendPlain(core, client, (response) => {
      followSubscription(core, client, place.localParty, response)
    })
}

/** A BYE of the application: the dialog is closing, and gone with the answer. */
function sendBye(core: Core, client: ClientRequest, dialog: Dialog): void {
  dialog.phase = 'closing'
  const send = (): void => {
    sendPlain(core, client, ({ status }) => {
      if (status === 401 || status === 407) awaitCredentials(core, dialog)
      else endDialog(core, dialog)
    })
  }
  if (isUnacknowledged(dialog)) dialog.heldBye = send
  else send()
}

/** A challenged BYE comes again with credentials, or never: then the dialog is given up. */
function awaitCredentials(core: Core, dialog: Dialog): void {
  dialog.phase = 'confirmed'
  core.wheel.start(64 * core.settings.timers.t1Ms, () => {
    if (dialog.phase === 'confirmed') endDialog(core, dialog)
  })
}

/** Sends anything but an INVITE and hands its final response to the application. */
function sendPlain(
  core: Core,
  client: ClientRequest,
  onFinal: (response: SipResponse) => void,
): void {
  core.clientRequests.add(client)
  const conclude = (response: SipResponse, from: Hop): void => {
    core.clientRequests.delete(client)
    followResponse(core, client, response)
    onFinal(response)
    deliverResponse(client, response, from)
  }
  startRequest(core, client, {
    onResponse: (response, from) => {
      if (response.status >= 200) conclude(response, from)
      else if (response.status > 100) deliverResponse(client, response, from)
    },
    onFailure: (failure) => {
      const { status, reason } = statusOfFailure(failure)
      const response = syntheticResponse(client.sent, status, reason)
      if (response) conclude(response, noHop(client.sent))
    },
    composeAck: () => '',
    onEnd: () => undefined,
  })
}

function followResponse(core: Core, { dialog, sent }: ClientRequest, response: SipResponse): void {
  if (!dialog || response.status >= 300 || !refreshesTarget(sent.method)) return
  if (sent.method === 'UPDATE') settleAsClient(core, dialog, { sent: sent.text, response })
  const remoteTarget = contactUri(response)
  if (remoteTarget !== undefined) dialog.state = { ...dialog.state, remoteTarget }
}
