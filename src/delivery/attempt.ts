import { webhookTimestamp } from '../domain/webhook.ts'
import { checkUrl } from './address-policy.ts'
import type { GuardedDispatcher } from './dispatcher.ts'
import { type BrokenReason, type Exchange, exchange, isSuccess } from './exchange.ts'
import { parseRetryAfter } from './retry.ts'

/** What is to be requested. */
export interface AttemptRequest {
  readonly method: 'HEAD' | 'GET' | 'POST'
  /** With the key in it. */
  readonly url: string
  /** JSON; sent with POST. */
  readonly body: string | undefined
  /** Whether a HEAD that is refused is followed by one GET. @see behaviour B2 */
  readonly getAfterHeadRefused: boolean
  /** The delivery's name, the same on every attempt. */
  readonly deliveryId: string
  readonly userAgent: string
  /** `webhook-signature`; undefined where the URL has no secret. */
  readonly signature?: string | undefined
  readonly sentAt: Date
  /** For the whole attempt, redirects included. */
  readonly deadlineMs: number
  /** Told of each request that was made, where a person wants to see them. */
  readonly onExchange?: (made: MadeExchange) => void
}

/** One request of an attempt, as sent, and what came back. */
export interface MadeExchange {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly answer: Exchange
}

/** Why an attempt failed. */
export type FailureReason =
  BrokenReason | 'unexpected_status' | 'redirect_not_allowed' | 'too_many_redirects'

/** Three outcomes, because there are three things to do next: stop, give up, try again. */
export type AttemptOutcome =
  | { readonly kind: 'delivered'; readonly status: number }
  /** The receiver has said that it will never take it. */
  | { readonly kind: 'refused_forever'; readonly status: number }
  | {
      readonly kind: 'failed'
      readonly reason: FailureReason
      readonly status: number | undefined
      /** What the receiver has asked for. */
      readonly retryAfterSeconds: number | undefined
    }

/** How an attempt went. */
export interface AttemptReport {
  readonly outcome: AttemptOutcome
  /** The last one used. */
  readonly method: string
  readonly redirects: number
  /** With its port, of the last request, where a redirect may have led; empty for what is no URL. */
  readonly lastHost: string
  readonly durationMs: number
}

const REDIRECTS_MAX = 3
const REDIRECT = new Set([301, 302, 303, 307, 308])
const HEAD_REFUSED = new Set([405, 501])
const GONE = 410
/** As much as a person reads. */
const SHOWN_BYTES = 4_096

/**
 * Makes one attempt. A partner's failure is an outcome, never an exception. Up to three redirects
 * are followed, each checked like the first and with the method and body kept, also after 301, 302
 * and 303 where RFC 9110 lets a client change to GET: affiliate trackers tell the two apart.
 * @see behaviour B2, B14
 */
export async function attempt(
  dispatcher: GuardedDispatcher,
  request: AttemptRequest,
): Promise<AttemptReport> {
  const startedAt = performance.now()
  let hop: Hop = { method: request.method, url: request.url, redirects: 0 }
  for (;;) {
    const elapsedMs = performance.now() - startedAt
    const step = decideStep(hop, await makeHop(dispatcher, request, hop, elapsedMs), request)
    if (step.kind === 'outcome') {
      const { method, redirects } = hop
      const lastHost = URL.parse(hop.url)?.host ?? ''
      const durationMs = performance.now() - startedAt
      return { outcome: step.outcome, method, redirects, lastHost, durationMs }
    }
    hop = step.hop
  }
}

/** One request of an attempt. */
interface Hop {
  readonly method: 'HEAD' | 'GET' | 'POST'
  readonly url: string
  /** Followed so far. */
  readonly redirects: number
}

async function makeHop(
  dispatcher: GuardedDispatcher,
  request: AttemptRequest,
  hop: Hop,
  elapsedMs: number,
): Promise<Exchange> {
  if (checkUrl(dispatcher.policy, hop.url) !== undefined) {
    return { kind: 'broken', reason: 'address_not_allowed' }
  }
  const timeoutMs = request.deadlineMs - elapsedMs
  if (timeoutMs <= 0) return { kind: 'broken', reason: 'timeout' }
  const { method } = hop
  const headers = headersOf(request, method)
  const body = method === 'POST' ? (request.body ?? '') : undefined
  const keptBytes = request.onExchange ? SHOWN_BYTES : 0
  const url = new URL(hop.url)
  const answer = await exchange(dispatcher, { url, method, headers, body, timeoutMs, keptBytes })
  request.onExchange?.({ method, url: hop.url, headers, body, answer })
  return answer
}

/** @see Standard Webhooks, "Webhook metadata" */
function headersOf(request: AttemptRequest, method: string): Record<string, string> {
  return {
    accept: '*/*',
    'user-agent': request.userAgent,
    'webhook-id': request.deliveryId,
    'webhook-timestamp': webhookTimestamp(request.sentAt),
    ...(request.signature !== undefined && { 'webhook-signature': request.signature }),
    ...(method === 'POST' && { 'content-type': 'application/json' }),
  }
}

type Step =
  | { readonly kind: 'outcome'; readonly outcome: AttemptOutcome }
  | { readonly kind: 'hop'; readonly hop: Hop }

/** Reads an answer: what the attempt has come to, or the next request it takes. */
export function decideStep(
  hop: Hop,
  answer: Exchange,
  { getAfterHeadRefused, sentAt }: Pick<AttemptRequest, 'getAfterHeadRefused' | 'sentAt'>,
): Step {
  if (answer.kind === 'broken') return failed(answer.reason)
  const { status, location } = answer
  if (isSuccess(status)) return { kind: 'outcome', outcome: { kind: 'delivered', status } }
  if (status === GONE) return { kind: 'outcome', outcome: { kind: 'refused_forever', status } }
  if (getAfterHeadRefused && hop.method === 'HEAD' && HEAD_REFUSED.has(status)) {
    return { kind: 'hop', hop: { ...hop, method: 'GET' } }
  }
  if (REDIRECT.has(status) && location !== undefined) return redirect(hop, status, location)
  return failed('unexpected_status', status, parseRetryAfter(answer.retryAfter, sentAt))
}

function redirect(hop: Hop, status: number, location: string): Step {
  if (hop.redirects >= REDIRECTS_MAX) return failed('too_many_redirects', status)
  if (!URL.canParse(location, hop.url)) return failed('redirect_not_allowed', status)
  const { href, protocol } = new URL(location, hop.url)
  const loosesTls = hop.url.startsWith('https:') && protocol !== 'https:'
  if (loosesTls) return failed('redirect_not_allowed', status)
  return { kind: 'hop', hop: { ...hop, url: href, redirects: hop.redirects + 1 } }
}

function failed(reason: FailureReason, status?: number, retryAfterSeconds?: number): Step {
  return { kind: 'outcome', outcome: { kind: 'failed', reason, status, retryAfterSeconds } }
}
