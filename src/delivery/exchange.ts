import type { Dispatcher } from 'undici'
import type { GuardedDispatcher } from './dispatcher.ts'

/** One HTTP request. */
export interface ExchangeRequest {
  readonly url: URL
  readonly method: 'HEAD' | 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** For all of it: DNS, connecting, TLS, headers and body. */
  readonly timeoutMs: number
  /** How much of the body is kept for a person to read: nothing unless said. */
  readonly keptBytes?: number
}

/** What is kept of an answer for a person to read. */
export interface KeptAnswer {
  readonly headers: Readonly<Record<string, string>>
  /** The beginning of it, as text. */
  readonly body: string
}

/** Why a request got no whole answer. */
export type BrokenReason =
  | 'address_not_allowed'
  | 'timeout'
  | 'dns_failed'
  | 'connection_refused'
  | 'connection_lost'
  | 'proxy_refused'
  | 'tls_failed'
  | 'malformed_answer'
  | 'unknown'

/** What came of one request. */
export type Exchange =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly location: string | undefined
      readonly retryAfter: string | undefined
      /** Where it was asked for. */
      readonly kept?: KeptAnswer
    }
  | { readonly kind: 'broken'; readonly reason: BrokenReason }

const BODY_BYTES_MAX = 65_536

/**
 * Makes one request and gives its answer; never rejects, and never takes longer than the timeout.
 * At most 64 KiB of the body are read, as sent (nothing is inflated), and none is kept unless asked for; what goes on
 * longer is cut off and counts as answered. A 2xx whose body does not end, or not in time, is broken;
 * any other status counts from its headers on.
 * @see behaviour B14
 */
export function exchange(
  dispatcher: GuardedDispatcher,
  request: ExchangeRequest,
): Promise<Exchange> {
  return new Promise((resolve) => {
    const keeper = createKeeper(request.keptBytes)
    const listener = createListener(
      (result) => resolve(keeper.added(result)),
      request.timeoutMs,
      keeper,
    )
    const { url, method, headers, body } = request
    try {
      dispatcher.dispatch(
        url.origin,
        {
          path: url.pathname + url.search,
          method,
          headers,
          body: body ?? null,
          // undici closes the connection after every HEAD unless told not to, for the sake of
          // servers that send a body with it; one that does gets a new connection for the next.
          reset: false,
        },
        listener,
      )
    } catch (error) {
      listener.onResponseError(undefined, error)
    }
  })
}

/** Settles once, by whichever comes first: the end of the answer, an error, 64 KiB, the timeout. */
function createListener(resolve: (result: Exchange) => void, timeoutMs: number, keeper: Keeper) {
  let controller: Dispatcher.DispatchController | undefined
  let answered: Extract<Exchange, { kind: 'answered' }> | undefined
  let bodyBytes = 0
  let settled = false

  const settle = (result: Exchange): void => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    resolve(result)
  }
  const breakOff = (result: Exchange): void => {
    settle(result)
    controller?.abort(new Error('broken off'))
  }
  const endEarly = (reason: BrokenReason): Exchange =>
    answered && !isSuccess(answered.status) ? answered : { kind: 'broken', reason }
  const timer = setTimeout(() => breakOff(endEarly('timeout')), timeoutMs)

  return {
    onRequestStart(started: Dispatcher.DispatchController): void {
      controller = started
      // The connection came up too late: nothing may be sent any more.
      if (settled) started.abort(new Error('broken off'))
    },
    onResponseStart(
      _: Dispatcher.DispatchController,
      status: number,
      headers: Readonly<Record<string, string | string[] | undefined>>,
    ): void {
      if (status < 200) return
      keeper.onHeaders(headers)
      const location = first(headers['location'])
      answered = { kind: 'answered', status, location, retryAfter: first(headers['retry-after']) }
    },
    onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
      keeper.onData(chunk)
      bodyBytes += chunk.length
      if (bodyBytes > BODY_BYTES_MAX && answered) breakOff(answered)
    },
    onResponseEnd(): void {
      settle(answered ?? { kind: 'broken', reason: 'malformed_answer' })
    },
    onResponseError(_: Dispatcher.DispatchController | undefined, error: unknown): void {
      settle(endEarly(readReason(error)))
    },
  }
}

interface Keeper {
  onHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): void
  onData(chunk: Buffer): void
  /** The result with what was kept in it. */
  added(result: Exchange): Exchange
}

/** Keeps the headers and the beginning of the body, if anything is to be kept. */
function createKeeper(keptBytes = 0): Keeper {
  const chunks: Buffer[] = []
  let left = keptBytes
  let kept: Readonly<Record<string, string>> = {}
  return {
    onHeaders(headers) {
      if (keptBytes === 0) return
      kept = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]),
      )
    },
    onData(chunk) {
      if (left <= 0) return
      chunks.push(Buffer.from(chunk.subarray(0, left)))
      left -= chunk.length
    },
    added(result) {
      if (keptBytes === 0 || result.kind !== 'answered') return result
      return { ...result, kept: { headers: kept, body: Buffer.concat(chunks).toString() } }
    },
  }
}

/** Whether a status says that the receiver has taken the request. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

const REASONS: readonly (readonly [RegExp, BrokenReason])[] = [
  [/^address_not_allowed$/, 'address_not_allowed'],
  [/^proxy_refused$/, 'proxy_refused'],
  [/^(?:UND_ERR_CONNECT_TIMEOUT|UND_ERR_HEADERS_TIMEOUT|TimeoutError|ETIMEDOUT)$/, 'timeout'],
  [/^(?:EDNS|ENOTFOUND|ENODATA|EAI_.*)$/, 'dns_failed'],
  [/^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, 'connection_refused'],
  [/^(?:HPE_.*|HTTPParserError|UND_ERR_HEADERS_OVERFLOW|UND_ERR_RES_.*)$/, 'malformed_answer'],
  [/^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_DESTROYED|UND_ERR_CLOSED)$/, 'connection_lost'],
  // OpenSSL's verdicts on certificates have no common prefix.
  [/^(?:ERR_TLS.*|ERR_SSL.*|EPROTO|.*CERT.*|.*_SIGNATURE|HOSTNAME_MISMATCH)$/, 'tls_failed'],
]

/** The reason for an error of Node or undici: by its code, or by its name where it has none. */
function readReason(error: unknown): BrokenReason {
  if (!(error instanceof Error)) return 'unknown'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return REASONS.find(([pattern]) => pattern.test(code))?.[1] ?? 'unknown'
}
