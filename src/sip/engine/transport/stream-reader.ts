import { isToken } from '../message/headers.ts'
import { parseDigits } from '../message/uri.ts'

/** What a stream's bytes turn out to be. */
export interface Reading {
  /** Complete messages, in order, one character a byte. */
  readonly messages: readonly string[]
  /** Whether a keep-alive (two empty lines) wants an answer. @see RFC 5626 §4.4.1 */
  readonly isPinged: boolean
  /** Whether a message has begun and is not complete. */
  readonly isPartial: boolean
}

/** Cuts a stream into SIP messages. */
export interface StreamReader {
  /**
   * Undefined if this is no SIP, or a message is too long: the connection is to be closed. Messages that
   * came before it in the same bytes are given first.
   */
  readonly push: (bytes: string) => Reading | undefined
}

const BLANK_LINE = '\r\n\r\n'

const HEAD_BYTES_MAX = 16_384
const BODY_BYTES_MAX = 65_536

/** The first of these bytes have to be those of a method or of `SIP/2.0`. */
const FIRST_BYTES = 8

/**
 * Makes a reader for one connection. Messages end where their Content-Length says; without one,
 * which the parser refuses, after the blank line. After a length that cannot be relied on nothing more is read:
 * where the next message began would be for its sender to choose.
 *
 * @see RFC 3261 §18.3
 */
export function createStreamReader(): StreamReader {
  let pending = ''
  let isBroken = false
  const push = (bytes: string): Reading | undefined => {
    if (isBroken) return undefined
    pending += bytes
    const messages: string[] = []
    let isPinged = false
    let at = 0
    for (;;) {
      const begin = skipEmptyLines(pending, at)
      if (begin - at >= 4) isPinged = true
      at = begin
      const length = lengthOfMessage(pending, at)
      if (length === 'not_sip' && messages.length === 0) return undefined
      if (length === 'not_sip' || length === 'unknown') {
        isBroken = true
        if (length === 'unknown') messages.push(headAt(pending, at))
        return { messages, isPinged, isPartial: true }
      }
      if (length === 'incomplete' || at + length > pending.length) break
      messages.push(pending.slice(at, at + length))
      at += length
    }
    pending = pending.slice(at)
    return { messages, isPinged, isPartial: pending.length > 1 }
  }
  return { push }
}

function skipEmptyLines(text: string, from: number): number {
  let at = from
  while (text.startsWith('\r\n', at)) at += 2
  return at
}

function lengthOfMessage(
  text: string,
  from: number,
): number | 'incomplete' | 'not_sip' | 'unknown' {
  if (!mayBeSip(text, from)) return 'not_sip'
  const lineEnd = text.indexOf('\r\n', from)
  if (lineEnd !== -1 && !text.slice(from, lineEnd).includes('SIP/')) return 'not_sip'
  const blank = text.indexOf(BLANK_LINE, from)
  if (blank === -1) return text.length - from > HEAD_BYTES_MAX ? 'not_sip' : 'incomplete'
  if (blank - from > HEAD_BYTES_MAX) return 'not_sip'
  const length = contentLength(text.slice(from, blank + 2))
  if (length === undefined) return 'unknown'
  return length > BODY_BYTES_MAX ? 'not_sip' : blank + 4 - from + length
}

function headAt(text: string, from: number): string {
  return text.slice(from, text.indexOf(BLANK_LINE, from) + BLANK_LINE.length)
}

/** Whether what is there so far can be the beginning of a request or status line. */
function mayBeSip(text: string, from: number): boolean {
  const end = Math.min(text.length, from + FIRST_BYTES)
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x20) return at > from
    if (code === 0x0d && at === text.length - 1 && at === from) return true
    if (code !== 0x2f && !isToken(text.charAt(at))) return false
  }
  return true
}

/** A line end that is half of one: others may see two lines where we see one. */
const HALF_LINE_END = /\r(?!\n)|(?<!\r)\n/

/** Undefined if it cannot be told for certain, as `message/` would read it and anybody in front of us. */
function contentLength(head: string): number | undefined {
  if (HALF_LINE_END.test(head)) return undefined
  const unfolded = head.replace(/\r\n[ \t]+/g, ' ')
  const found = unfolded.matchAll(/\r\n(?:content-length|l)[ \t]*:([^\r]*)/gi)
  const lengths = new Set([...found].map(([, value = '']) => parseDigits(value.trim(), 9)))
  if (lengths.size > 1) return undefined
  for (const length of lengths) return length
  return 0
}
