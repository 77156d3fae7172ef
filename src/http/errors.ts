import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import { isConnectionFailure } from '../db/pool.ts'
import { AppError, type AppErrorCode } from '../domain/app-error.ts'

const PROBLEMS = {
  malformed_request: [400, 'The request is not valid HTTP.'],
  repeated_header: [400, 'A header that may be sent once was sent twice.'],
  malformed_body: [400, 'The body is not what its content type says.'],
  invalid_query: [400, 'A parameter of the query is unknown or malformed.'],
  unauthorised: [401, 'Send a valid key as "Authorization: Bearer KEY".'],
  forbidden: [403, 'The role of this key does not allow that.'],
  not_found: [404, 'There is nothing here.'],
  request_timeout: [408, 'The request took too long to arrive.'],
  environment_key: [409, 'This key is not stored here: change ADMIN_API_KEY and start again.'],
  too_many_keys: [409, 'There are as many keys as there may be; revoke some that nobody uses.'],
  body_too_large: [413, 'The body is larger than this resource takes.'],
  url_too_long: [414, 'The URL is longer than 2048 characters.'],
  unsupported_media_type: [415, 'This resource does not take that content type.'],
  invalid_configuration: [422, 'Nothing was applied: the document has problems.'],
  search_too_slow: [422, 'The search took too long: narrow it, by time for example.'],
  too_many_wrong_keys: [429, 'This key is not valid, and too many were not: try again later.'],
  headers_too_large: [431, 'The header section is too large.'],
  internal_error: [500, 'Something went wrong here; the log has the details.'],
  unavailable: [503, 'The database is away; try again later.'],
  too_many_searches: [503, 'Others search at present; try again in a moment.'],
  not_ready: [503, 'Something that this service needs is away.'],
} as const satisfies Record<string, readonly [status: number, detail: string]>

/** What programs decide by; never changes its meaning. */
export type ProblemCode = keyof typeof PROBLEMS

/** Every code there is. */
export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[]

/** An error as clients see it. @see RFC 9457 */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail: string
}

/** The content type of every problem. @see RFC 9457 §3 */
export const PROBLEM_TYPE = 'application/problem+json'

/** Seconds after which a client may ask again what could not be done at present. */
export const RETRY_AFTER_SECONDS = 5

/** On every answer: the URL of a postback holds a key, and nothing here is for caches. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** A problem's body. It says nothing of what was sent, since that may hold keys. */
export function buildProblem(code: ProblemCode): Problem {
  const [status, detail] = PROBLEMS[code]
  return { type: 'about:blank', title: STATUS_CODES[status] ?? '', status, code, detail }
}

/** Answers with a problem; `more` are members of its own, such as the list of what is wrong. */
export function sendProblem(reply: FastifyReply, code: ProblemCode, more?: object): FastifyReply {
  const problem = buildProblem(code)
  if (problem.status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS)
  return reply
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify({ ...problem, ...more }))
}

const BY_STATUS: Readonly<Record<number, ProblemCode>> = {
  404: 'not_found',
  408: 'request_timeout',
  413: 'body_too_large',
  414: 'url_too_long',
  415: 'unsupported_media_type',
}

const isOfSearches = (code: AppErrorCode) =>
  code === 'search_too_slow' || code === 'too_many_searches'

/** What a thrown error is to the client. Everything that is not known to be the client's doing is ours. */
export function problemCodeOf(error: unknown): ProblemCode {
  if (error instanceof AppError && isOfSearches(error.code)) return error.code
  if (isConnectionFailure(error)) return 'unavailable'
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown }
  if (typeof statusCode !== 'number' || statusCode >= 500) return 'internal_error'
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY' || code === 'FST_ERR_CTP_EMPTY_JSON_BODY') {
    return 'malformed_body'
  }
  return BY_STATUS[statusCode] ?? 'malformed_request'
}
