import { composeResponse, type HeaderLine, reasonPhrase } from '../message/serialise.ts'
import { tellCancelled } from './cancel.ts'
import { sendAnswer } from './send-answer.ts'
import type { Core, ServerRequest } from './state.ts'

/** Ten times what an application may stay silent before its first response. */
const RINGING_PATIENCE = 10

/** A call that an application lets ring is not kept for ever. */
export function keepRinging(core: Core, pending: ServerRequest): void {
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
  const text = composeResponse(pending.request, {
    status,
    reason: reasonPhrase(status),
    toTag: pending.localTag,
    recordRoute: false,
    headers,
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
