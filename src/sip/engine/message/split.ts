import { expandCompact, type HeaderField, receivedHeaderKey } from './headers.ts'

/** A message split into lines and nothing else. All text is one byte a character. */
export interface Split {
  readonly kind: 'split'
  readonly startLine: string
  readonly headers: readonly HeaderField[]
  /** Everything after the blank line. */
  readonly rest: string
  /** The message from the start line to the blank line, with folding and odd spellings undone. */
  readonly head: string
}

/** Why a message could not be split, with what was read before the fault. */
export interface SplitFault {
  readonly kind: 'fault'
  readonly status: 400 | 513
  readonly reason: string
  readonly startLine: string
  readonly headers: readonly HeaderField[]
}

/** The largest message parts that are read, in bytes and lines. */
export interface SizeLimits {
  readonly headBytes: number
  readonly lineBytes: number
  readonly headerLines: number
}

/** Limits for what comes from the network: far above any trunk, far below trouble. */
export const NETWORK_LIMITS: SizeLimits = { headBytes: 16_384, lineBytes: 4_096, headerLines: 128 }

const CR = 0x0d
const LF = 0x0a
const BACKSLASH = 0x5c

/**
 * Splits a message into start line, header fields and the bytes after the blank line, in one pass.
 * Folded lines are joined, compact names and white space before the colon are written out, so that
 * nobody further on has to know them.
 *
 * @see RFC 3261 §7.3.1, §7.5
 */
export function splitMessage(text: string, limits: SizeLimits): Split | SplitFault {
  const begin = skipBlankLines(text)
  const headers: HeaderField[] = []
  const lineEnd = text.indexOf('\r\n', begin)
  if (lineEnd === -1) return fault(400, 'Missing Blank Line', '', headers)
  const startLine = text.slice(begin, lineEnd)
  const refuse = (status: 400 | 513, reason: string): SplitFault =>
    fault(status, reason, startLine, headers)

  let plain = true
  let at = lineEnd + 2
  for (;;) {
    const end = text.indexOf('\r\n', at)
    if (end === -1) return refuse(400, 'Missing Blank Line')
    if (end === at) break
    const next = text.charCodeAt(end + 2)
    if (next === 0x20 || next === 0x09) return splitFolded(text, begin, limits)
    if (end - at > limits.lineBytes) return refuse(513, 'Header Line Too Long')
    if (headers.length === limits.headerLines) return refuse(513, 'Too Many Header Lines')
    const header = readHeader(text, at, end)
    if (!header) return refuse(400, 'Malformed Header Line')
    if (header.rewritten) plain = false
    headers.push(header.field)
    at = end + 2
  }
  if (at - begin > limits.headBytes) return refuse(513, 'Header Too Long')
  if (hasForbiddenByte(text, begin, at)) return refuse(400, 'Control Character In Header')
  const head = plain ? text.slice(begin, at + 2) : joinHead(startLine, headers)
  return { kind: 'split', startLine, headers, rest: text.slice(at + 2), head }
}

/** Joins folded lines first, then splits again. @see RFC 3261 §7.3.1 */
function splitFolded(text: string, begin: number, limits: SizeLimits): Split | SplitFault {
  const blank = text.indexOf('\r\n\r\n', begin)
  if (blank === -1) return fault(400, 'Missing Blank Line', '', [])
  if (blank - begin > limits.headBytes) return fault(513, 'Header Too Long', '', [])
  const head = text.slice(begin, blank).replace(/[ \t]*\r\n[ \t]+/g, ' ')
  return splitMessage(head + text.slice(blank), limits)
}

function readHeader(
  text: string,
  from: number,
  to: number,
): { readonly field: HeaderField; readonly rewritten: boolean } | undefined {
  const colon = text.indexOf(':', from)
  if (colon === -1 || colon >= to || colon === from) return undefined
  const written = text.slice(from, colon)
  const name = isBlank(text.charCodeAt(colon - 1)) ? written.replace(/[ \t]+$/, '') : written
  const key = receivedHeaderKey(name)
  if (key === undefined) return undefined
  const long = expandCompact(name)
  const value = trimmed(text, colon + 1, to)
  const field = { key, name: long ?? name, value }
  return { field, rewritten: long !== undefined || name.length !== written.length }
}

function trimmed(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** A sender may put empty lines before a message. @see RFC 3261 §7.5 */
function skipBlankLines(text: string): number {
  let at = 0
  while (text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF) at += 2
  return at
}

function joinHead(startLine: string, headers: readonly HeaderField[]): string {
  let head = `${startLine}\r\n`
  for (const { name, value } of headers) head += `${name}: ${value}\r\n`
  return `${head}\r\n`
}

/**
 * Control characters that no backslash goes before, and CR or LF that do not come together: they would
 * smuggle header lines. @see RFC 3261 §25.1, quoted-pair
 */
function hasForbiddenByte(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (code >= 0x20 && code !== 0x7f) continue
    if (code === 0x09) continue
    if (code !== CR && code !== LF && text.charCodeAt(at - 1) === BACKSLASH) continue
    if (code !== CR || text.charCodeAt(at + 1) !== LF) return true
    at++
  }
  return false
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

function fault(
  status: 400 | 513,
  reason: string,
  startLine: string,
  headers: readonly HeaderField[],
): SplitFault {
  return { kind: 'fault', status, reason, startLine, headers }
}
