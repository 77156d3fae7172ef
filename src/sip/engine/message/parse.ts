import { parseAddress } from './address.ts'
import { type HeaderField, headerValues, isCallIdText, isToken, parameter } from './headers.ts'
import type { SipRequest, SipResponse, Unusable } from './message.ts'
import { NETWORK_LIMITS, type Split, splitMessage, type SplitFault } from './split.ts'
import { parseDigits } from './uri.ts'
import { parseVia } from './via.ts'

type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string }
  | { readonly kind: 'bad'; readonly status: number; readonly reason: string }

const CSEQ_MAX = 2 ** 31 - 1

/**
 * Reads a message from the network. What it returns as request or response has every field that
 * transactions, dialogs and applications rely on, well-formed; anything else is unusable, with the
 * status that a request of that kind is to be answered with.
 *
 * @param text the bytes, one a character
 * @param stream whether the message came over a stream, where Content-Length is not optional
 */
export function parseMessage(text: string, stream: boolean): SipRequest | SipResponse | Unusable {
  const split = splitMessage(text, NETWORK_LIMITS)
  if (split.kind === 'fault') return unusable(split, split.status, split.reason)
  const startLine = parseStartLine(split.startLine)
  if (startLine.kind === 'bad') return unusable(split, startLine.status, startLine.reason)
  const envelope = readEnvelope(split, stream)
  if (envelope.kind === 'bad') return unusable(split, 400, envelope.reason)
  if (startLine.kind === 'request' && startLine.method !== envelope.cseqMethod)
    return unusable(split, 400, 'CSeq Method Mismatch')
  return { ...envelope, ...startLine }
}

/** Reads the first line of a message. */
export function parseStartLine(line: string): StartLine {
  return line.startsWith('SIP/') ? parseStatusLine(line) : parseRequestLine(line)
}

function parseStatusLine(line: string): StartLine {
  const status = parseDigits(line.slice(8, 11), 3)
  if (!line.startsWith('SIP/2.0 ') || status === undefined || status < 100 || status > 699)
    return bad(400, 'Malformed Status Line')
  if (line.length > 11 && line.charCodeAt(11) !== 0x20) return bad(400, 'Malformed Status Line')
  return { kind: 'response', status, reason: line.slice(12) }
}

function parseRequestLine(line: string): StartLine {
  const first = line.indexOf(' ')
  const second = line.indexOf(' ', first + 1)
  if (first < 1 || second === -1 || line.indexOf(' ', second + 1) !== -1)
    return bad(400, 'Malformed Request Line')
  const version = line.slice(second + 1)
  if (version !== 'SIP/2.0')
    return version.startsWith('SIP/') ? bad(505, 'Version Not Supported') : bad(400, 'Bad Version')
  const method = line.slice(0, first)
  const uri = line.slice(first + 1, second)
  if (!isToken(method) || uri === '' || uri.includes('\t'))
    return bad(400, 'Malformed Request Line')
  return { kind: 'request', method, uri }
}

type EnvelopeRead =
  | (Omit<SipRequest, 'kind' | 'method' | 'uri'> & { readonly kind: 'good' })
  | { readonly kind: 'bad'; readonly reason: string }

interface Found {
  via?: string
  from?: string
  to?: string
  'call-id'?: string
  cseq?: string
  'max-forwards'?: string
  'content-length'?: string
}

function readEnvelope(split: Split, stream: boolean): EnvelopeRead {
  const found = collect(split.headers)
  if (typeof found === 'string') return badEnvelope(found)
  const via = parseVia(found.via ?? '')
  if (!via) return badEnvelope('Bad Via Header')
  const fromTag = readTag(found.from)
  if (fromTag === false) return badEnvelope('Bad From Header')
  const toTag = readTag(found.to)
  if (toTag === false) return badEnvelope('Bad To Header')
  const sipCallId = found['call-id'] ?? ''
  if (!isCallIdText(sipCallId)) return badEnvelope('Bad Call-ID Header')
  const cseq = parseCSeq(found.cseq ?? '')
  if (!cseq) return badEnvelope('Bad CSeq Header')
  const body = readBody(split.rest, found['content-length'], stream)
  if (body === undefined) return badEnvelope('Bad Content-Length Header')
  return {
    kind: 'good',
    headers: split.headers,
    body,
    text: split.head + body,
    via,
    fromTag,
    toTag,
    sipCallId,
    cseq: cseq.number,
    cseqMethod: cseq.method,
  }
}

/** The headers an envelope is read from; the name of the fault if one stands twice. */
function collect(headers: readonly HeaderField[]): Found | string {
  const found: Found = {}
  for (const { key, value } of headers) {
    switch (key) {
      case 'via':
        found.via ??= value
        break
      case 'from':
      case 'to':
      case 'call-id':
      case 'cseq':
      case 'max-forwards':
        if (found[key] !== undefined) return 'Repeated Header'
        found[key] = value
        break
      case 'content-length':
        if (found[key] !== undefined && found[key] !== value) return 'Repeated Header'
        found[key] = value
        break
    }
  }
  return found
}

/** The tag, undefined without one, false if the value is not an address. */
function readTag(value: string | undefined): string | undefined | false {
  const address = value === undefined ? undefined : parseAddress(value)
  if (!address) return false
  const tag = parameter(address.parameters, 'tag')
  if (tag === undefined) return undefined
  return isToken(tag) ? tag : false
}

/** Reads a CSeq value; undefined if malformed or its number is 2^31 or more. */
export function parseCSeq(
  value: string,
): { readonly number: number; readonly method: string } | undefined {
  let end = 0
  while (end < value.length && value.charCodeAt(end) > 0x20) end++
  const number = parseDigits(value.slice(0, end), 10)
  const method = value.slice(end).trim()
  if (number === undefined || number > CSEQ_MAX || !isToken(method)) return undefined
  return { number, method }
}

function readBody(
  rest: string,
  contentLength: string | undefined,
  stream: boolean,
): string | undefined {
  if (contentLength === undefined) return stream ? undefined : rest
  const length = parseDigits(contentLength, 9)
  if (length === undefined || length > rest.length) return undefined
  return length === rest.length ? rest : rest.slice(0, length)
}

const bad = (status: number, reason: string): StartLine => ({ kind: 'bad', status, reason })
const badEnvelope = (reason: string): EnvelopeRead => ({ kind: 'bad', reason })

function unusable(split: Split | SplitFault, status: number, reason: string): Unusable {
  const { startLine, headers } = split
  const answerable =
    !startLine.startsWith('SIP/') &&
    parseVia(headerValues(headers, 'via')[0] ?? '') !== undefined &&
    startLine !== '' &&
    !startLine.startsWith('ACK ')
  const method = startLine.slice(0, Math.max(0, startLine.indexOf(' ')))
  return { kind: 'unusable', status: answerable ? status : undefined, reason, headers, method }
}
