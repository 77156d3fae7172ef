import { type SipMessageFrame, responseSentPayload } from '../control/messages.ts'
import type { Application } from '../control/applications.ts'
import { dialogAsServer } from '../dialog/dialog.ts'
import { tagOf } from '../message/address.ts'
import { headerValue, isToken } from '../message/headers.ts'
import { parseStartLine } from '../message/parse.ts'
import { composeResponse, type HeaderLine, reasonPhrase } from '../message/serialise.ts'
import { NETWORK_LIMITS, type Split, splitMessage } from '../message/split.ts'
import { repeatUntilAck } from './acknowledge.ts'
import { tellCancelled } from './cancel.ts'
import { hangUp } from './hang-up.ts'
import {
  mannerOf,
  nextRSeq,
  reliableLines,
  repeatUntilPrack,
  sendInTurn,
  stopReliable,
} from './reliable.ts'
import {
  contactLine,
  contentTypeLine,
  extraResponseHeaders,
  localContact,
} from './header-policy.ts'
import {
  type Core,
  type Dialog,
  recordCall,
  refuseApplication,
  type ServerRequest,
} from './state.ts'

const UNKNOWN_TRANSACTION = 'Response not sent due to unknown transaction'

/** Carries out an application's response to a request of the network. */
export function answerFromApplication(
  core: Core,
  application: Application,
  frame: SipMessageFrame,
): void {
  const refuse = (reason: string): void => {
    refuseApplication(application, frame.id, reason)
  }
  const pending = core.serverRequests.get(frame.txn)
  if (!pending) {
    refuse(UNKNOWN_TRANSACTION)
    return
  }
  if (pending.final !== undefined) {
    confirm(pending, application, frame, pending.final)
    return
  }
  const split = splitMessage(frame.text, NETWORK_LIMITS)
  const line = split.kind === 'split' ? parseStartLine(split.startLine) : undefined
  if (split.kind === 'fault' || line?.kind !== 'response') {
    refuse('Unknown server error sending response')
    return
  }
  const manner = mannerOf(pending.request, line.status, split.headers)
  if (manner === 'impossible') {
    refuse('Remote endpoint does not support 100rel')
    return
  }
  takeTag(pending, split)
  const rseq = manner === 'reliable' ? nextRSeq(pending) : undefined
  const extra = rseq === undefined ? [] : reliableLines(rseq, split)
  const text = composeAnswer(pending, split, line, extra)
  sendAnswer(core, pending, {
    status: line.status,
    text,
    rseq,
    onSent: () => {
      confirm(pending, application, frame, text)
    },
    onDropped: () => {
      refuse(UNKNOWN_TRANSACTION)
    },
  })
}

function confirm(
  pending: ServerRequest,
  application: Application,
  frame: SipMessageFrame,
  text: string,
): void {
  const { dialogId, transaction, txn } = pending
  application.send(responseSentPayload(frame.id, transaction.hop, { txn, dialogId, text }))
}

/** The application may choose the To tag with its first response. */
function takeTag(pending: ServerRequest, { headers }: Split): void {
  const tag = pending.dialog ? undefined : tagOf(headerValue(headers, 'to') ?? '')
  if (tag !== undefined && isToken(tag)) pending.localTag = tag
}

function composeAnswer(
  pending: ServerRequest,
  split: Split,
  { status, reason }: { readonly status: number; readonly reason: string },
  extra: readonly HeaderLine[],
): string {
  const { method } = pending.request
  const { headers, rest } = split
  const makesDialog = (method === 'INVITE' || method === 'SUBSCRIBE') && status < 300
  const lines: HeaderLine[] = [...extra]
  if (status > 100 && (makesDialog || headerValue(headers, 'contact') !== undefined))
    lines.push(contactLine(headers, pending.transaction.listener))
  lines.push(...extraResponseHeaders(headers))
  lines.push(...(contentTypeLine(headers, rest) ?? []))
  return composeResponse(pending.request, {
    status,
    reason,
    toTag: status === 100 ? undefined : pending.localTag,
    recordRoute: makesDialog && status > 100,
    headers: lines,
    body: rest,
  })
}

interface Answer {
  readonly status: number
  readonly text: string
  /** The number of a provisional response that has to arrive. */
  readonly rseq: number | undefined
  /** Called before anything can follow from it. */
  readonly onSent: () => void
  readonly onDropped: () => void
}

/** Sends a response and does what follows from it for the dialog. */
function sendAnswer(core: Core, pending: ServerRequest, answer: Answer): void {
  const { status, text } = answer
  pending.silence?.cancel()
  pending.silence = undefined
  if (pending.request.method === 'INVITE') {
    sendInviteAnswer(core, pending, answer)
    return
  }
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
  // It died while its answer waited for a PRACK.
  if (!pending.application.isConnected())
    hangUp(core, dialog, { text: 'Application gone', cause: 503, tell: false })
}

function rejectInvite(core: Core, pending: ServerRequest, status: number, text: string): void {
  core.serverRequests.delete(pending.txn)
  stopReliable(pending)
  core.transactions.respond(pending.transaction, status, text)
  const { dialog } = pending
  if (dialog) dialog.pendingInvite = undefined
  if (dialog?.phase === 'early') core.dialogs.delete(dialog.state.id)
  if (!pending.inDialog) recordCall(core, 'stop', 'application', 'call-rejected', text)
}

function openDialog(core: Core, pending: ServerRequest): Dialog {
  const dialog: Dialog = {
    state: dialogAsServer(pending.request, pending.localTag),
    phase: 'early',
    application: pending.application,
    listener: pending.transaction.listener,
    answer: undefined,
    unacknowledged: [],
    pendingInvite: pending.txn,
    heldBye: undefined,
  }
  core.dialogs.set(dialog.state.id, dialog)
  return dialog
}

/** Ten times what an application may stay silent before its first response. */
const RINGING_PATIENCE = 10

/** A call that an application lets ring is not kept for ever. */
function keepRinging(core: Core, pending: ServerRequest): void {
  const patienceMs = RINGING_PATIENCE * core.settings.applicationPatienceMs
  pending.silence = core.wheel.start(patienceMs, () => {
    giveUpWaiting(core, pending)
  })
}

/** Tells the caller at once that the INVITE has arrived. @see RFC 3261 §17.2.1 */
export function respondTrying(core: Core, pending: ServerRequest): void {
  const text = composeResponse(pending.request, {
    status: 100,
    reason: reasonPhrase(100),
    toTag: undefined,
    recordRoute: false,
    headers: [],
    body: '',
  })
  core.transactions.respond(pending.transaction, 100, text)
}

/** Answers a request in place of its application. */
export function respondWith(
  core: Core,
  pending: ServerRequest,
  status: number,
  headers: readonly HeaderLine[] = [],
): void {
  const { method } = pending.request
  const contact: readonly HeaderLine[] =
    method === 'INVITE' && status < 300
      ? [['Contact', localContact(pending.transaction.listener)]]
      : []
  const text = composeResponse(pending.request, {
    status,
    reason: reasonPhrase(status),
    toTag: pending.localTag,
    recordRoute: false,
    headers: [...contact, ...headers],
    body: '',
  })
  const nothing = (): void => undefined
  sendAnswer(core, pending, { status, text, rseq: undefined, onSent: nothing, onDropped: nothing })
}

/**
 * Answers for an application that owes an answer for too long (drachtio-server never does, and the
 * caller hears silence): 480 to an INVITE, with a CANCEL for the application so that it lets go of
 * the call; 200 to a BYE, which needs nobody's consent; 500 to anything else.
 */
export function giveUpWaiting(core: Core, pending: ServerRequest): void {
  const { method } = pending.request
  pending.silence = undefined
  if (method === 'INVITE') tellCancelled(pending)
  if (method === 'INVITE') respondWith(core, pending, 480)
  else respondWith(core, pending, method === 'BYE' ? 200 : 500)
}
