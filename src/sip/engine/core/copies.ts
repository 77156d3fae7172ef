import { dialogIdOf } from '../dialog/dialog.ts'
import type { SipRequest } from '../message/message.ts'
import type { HeaderLine } from '../message/serialise.ts'
import { NETWORK_LIMITS, splitMessage } from '../message/split.ts'
import type { StatelessAnswer } from './refuse.ts'
import type { Core, ServerRequest } from './state.ts'

/** A request outside dialogs that an application has been asked about. */
export interface SeenRequest {
  /** The final response of 300 or above, once an INVITE has had it. */
  refusal: { readonly status: number; readonly toTag: string; readonly text: string } | undefined
}

/** What every copy of one request has in common, whatever way it took. @see RFC 3261 §8.2.2.2 */
export function identityOf({ sipCallId, fromTag, cseq, method }: SipRequest): string {
  return `${sipCallId} ${fromTag ?? ''} ${cseq} ${method}`
}

/**
 * The answer to a request that the engine has seen before on another branch, or undefined for a new one.
 * While the first copy is being answered it is 482; after a refusal, for 64·T1, the same refusal, because
 * whoever asks again another way would otherwise ring a buyer twice. Inside a call of its own it is 491, to a
 * SUBSCRIBE too, whose dialog would take the place of the call's.
 */
export function decideCopy(core: Core, request: SipRequest): StatelessAnswer | undefined {
  const seen = core.requestsSeen.get(identityOf(request))
  if (seen) return seen.refusal ? again(seen.refusal) : { status: 482 }
  const id = dialogIdOf(request.sipCallId, request.fromTag ?? '')
  if (request.method === 'SUBSCRIBE') return isCall(core, id) ? { status: 491 } : undefined
  if (request.method !== 'INVITE') return undefined
  if (core.invitationsByDialog.has(id)) return { status: 482 }
  return core.dialogs.has(id) ? { status: 491 } : undefined
}

const isCall = ({ dialogs }: Core, id: string): boolean => {
  const dialog = dialogs.get(id)
  return dialog !== undefined && !dialog.expiry
}

/**
 * Remembers how an INVITE was refused. A 503 is not remembered, nor what has a Retry-After: they say that
 * the next attempt may be welcome, and the application is asked again.
 */
export function rememberRefusal(
  core: Core,
  { localTag: toTag, request }: ServerRequest,
  status: number,
  text: string,
): void {
  const identity = identityOf(request)
  const seen = core.requestsSeen.get(identity)
  if (!seen) return
  const isFinal = status !== 503 && !ASKS_FOR_MORE.test(headOf(text))
  if (!isFinal || core.requestsSeen.size > core.settings.limits.transactions) {
    core.requestsSeen.delete(identity)
    return
  }
  seen.refusal = { status, toTag, text }
  core.wheel.start(64 * core.settings.timers.t1Ms, () => core.requestsSeen.delete(identity))
}

/** @see RFC 3261 §20.33 */
const ASKS_FOR_MORE = /^retry-after[ \t]*:/im
const headOf = (text: string): string => text.slice(0, text.indexOf('\r\n\r\n'))

/** Forgets a request whose transaction has ended, unless its refusal is to be repeated. */
export function forgetCopy(core: Core, identity: string): void {
  if (core.requestsSeen.get(identity)?.refusal === undefined) core.requestsSeen.delete(identity)
}

/** What a response repeats of its request or counts by itself. */
const OF_THE_COPY = new Set('via from to call-id cseq content-length record-route'.split(' '))

function again({ status, text, toTag }: NonNullable<SeenRequest['refusal']>): StatelessAnswer {
  const split = splitMessage(text, NETWORK_LIMITS)
  if (split.kind === 'fault') return { status, toTag }
  const headers = split.headers.flatMap(({ key, name, value }): HeaderLine[] =>
    OF_THE_COPY.has(key) ? [] : [[name, value]],
  )
  const reason = split.startLine.slice('SIP/2.0 486 '.length)
  return { status, reason, toTag, headers, body: split.rest }
}
