import { withTag } from './address.ts'
import type { HeaderField } from './headers.ts'

/** Reason phrases of the responses that the engine makes by itself. @see RFC 3261 §21 */
const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  200: 'OK',
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  414: 'Request-URI Too Long',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  422: 'Session Interval Too Small',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  487: 'Request Terminated',
  491: 'Request Pending',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'Version Not Supported',
  513: 'Message Too Large',
}

/** The standard reason phrase of a status that the engine answers with. */
export function reasonPhrase(status: number): string {
  return REASONS[status] ?? 'Unknown'
}

/** A header line to be written: name and value. */
export type HeaderLine = readonly [name: string, value: string]

/** The bytes of a message, one a character, with Content-Length counted and appended. */
export function serialise(startLine: string, headers: readonly HeaderLine[], body: string): string {
  let text = `${startLine}\r\n`
  for (const [name, value] of headers) text += `${name}: ${value}\r\n`
  return `${text}Content-Length: ${body.length}\r\n\r\n${body}`
}

/** What of a request is repeated in its responses: every Via, From, Call-ID, CSeq. */
export interface Answerable {
  readonly headers: readonly HeaderField[]
}

/** How a response differs from the request it answers. */
export interface ResponseParts {
  readonly status: number
  readonly reason: string
  /** Added to the To header unless it has one; undefined for a 100. */
  readonly toTag: string | undefined
  /** Whether the Record-Route headers are repeated, as in responses that make a dialog. */
  readonly recordRoute: boolean
  readonly headers: readonly HeaderLine[]
  readonly body: string
}

/** Composes the response to a request. @see RFC 3261 §8.2.6 */
export function composeResponse(request: Answerable, parts: ResponseParts): string {
  const lines: HeaderLine[] = []
  for (const { key, value } of request.headers) if (key === 'via') lines.push(['Via', value])
  for (const { key, value } of request.headers) {
    if (key === 'from') lines.push(['From', value])
    else if (key === 'to') lines.push(['To', tagged(value, parts.toTag)])
    else if (key === 'call-id') lines.push(['Call-ID', value])
    else if (key === 'cseq') lines.push(['CSeq', value])
    else if (key === 'record-route' && parts.recordRoute) lines.push(['Record-Route', value])
  }
  for (const line of parts.headers) lines.push(line)
  return serialise(`SIP/2.0 ${parts.status} ${parts.reason}`, lines, parts.body)
}

function tagged(to: string, tag: string | undefined): string {
  return tag === undefined || /;\s*tag\s*=/i.test(to) ? to : withTag(to, tag)
}
