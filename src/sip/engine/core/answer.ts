import type { Application } from '../control/applications.ts'
import { responseSentPayload, type SipMessageFrame } from '../control/messages.ts'
import { tagOf } from '../message/address.ts'
import { headerValue, isToken } from '../message/headers.ts'
import { parseStartLine } from '../message/parse.ts'
import { composeResponse, type HeaderLine } from '../message/serialise.ts'
import { NETWORK_LIMITS, type Split, splitMessage } from '../message/split.ts'
import { contactLine, contentTypeLine, extraResponseHeaders } from './header-policy.ts'
import { mannerOf, nextRSeq, reliableLines } from './reliable.ts'
import { type Answer, sendAnswer } from './send-answer.ts'
import { sessionLines } from './session-timer.ts'
import { type Core, refuseApplication, type ServerRequest } from './state.ts'

const UNKNOWN_TRANSACTION = 'Response not sent due to unknown transaction'

/** Carries out an application's response to a request of the network. */
export function answerFromApplication(
  core: Core,
  application: Application,
  frame: SipMessageFrame,
): void {
  const pending = core.serverRequests.get(frame.txn)
  if (!pending) refuseApplication(application, frame.id, UNKNOWN_TRANSACTION)
  else if (pending.final === undefined) answerPending(core, pending, application, frame)
  else confirm(pending, application, frame, pending.final)
}

function answerPending(
  core: Core,
  pending: ServerRequest,
  application: Application,
  frame: SipMessageFrame,
): void {
  const composed = compose(pending, frame)
  if (typeof composed === 'string') {
    refuseApplication(application, frame.id, composed)
    return
  }
  sendAnswer(core, pending, {
    ...composed,
    onSent: () => {
      confirm(pending, application, frame, composed.text)
    },
    onDropped: () => {
      refuseApplication(application, frame.id, UNKNOWN_TRANSACTION)
    },
  })
}

/** Reads and completes a response; a text if it cannot be sent, in the words of drachtio-server. */
function compose(
  pending: ServerRequest,
  frame: SipMessageFrame,
): Pick<Answer, 'status' | 'text' | 'rseq'> | string {
  const split = splitMessage(frame.text, NETWORK_LIMITS)
  const line = split.kind === 'split' ? parseStartLine(split.startLine) : undefined
  if (split.kind === 'fault' || line?.kind !== 'response')
    return 'Unknown server error sending response'
  const manner = mannerOf(pending.request, line.status, split.headers)
  if (manner === 'impossible') return 'Remote endpoint does not support 100rel'
  takeTag(pending, split)
  const rseq = manner === 'reliable' ? nextRSeq(pending) : undefined
  const extra = rseq === undefined ? [] : reliableLines(rseq, split)
  return { status: line.status, text: composeAnswer(pending, split, line, extra), rseq }
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
  const { request, transaction } = pending
  const { method, uri } = request
  const { headers, rest } = split
  const makesDialog = (method === 'INVITE' || method === 'SUBSCRIBE') && status < 300
  const lines: HeaderLine[] = [...extra]
  if (status > 100 && (makesDialog || headerValue(headers, 'contact') !== undefined))
    lines.push(contactLine(headers, transaction.listener, uri.startsWith('sips:')))
  const sessionTimer = sessionLines(pending, status, headers)
  lines.push(...sessionTimer)
  for (const line of extraResponseHeaders(headers))
    if (line[0] !== sessionTimer[0]?.[0]) lines.push(line)
  lines.push(...(contentTypeLine(headers, rest) ?? []))
  return composeResponse(request, {
    status,
    reason,
    toTag: status === 100 ? undefined : pending.localTag,
    recordRoute: makesDialog && status > 100,
    headers: lines,
    body: rest,
  })
}
