import { endOfElement, isToken, parameter } from './headers.ts'
import { bracketed, parseHostPort } from './uri.ts'

/** The first Via of a message taken apart. @see RFC 3261 §20.42 */
export interface Via {
  /** Transport in lower case, as written in the Via: `udp`, `tcp`, `tls`, … */
  readonly transport: string
  readonly host: string
  readonly port: number | undefined
  /** Empty if there is none (RFC 2543). */
  readonly branch: string
  readonly received: string | undefined
  /** Undefined if not asked for, `''` if asked for, else the port that was filled in. */
  readonly rport: string | undefined
  /** Length of this element in the header value it was read from, so that more may follow. */
  readonly length: number
}

/** Every branch made by this version of the protocol begins so. @see RFC 3261 §8.1.1.7 */
export const MAGIC_COOKIE = 'z9hG4bK'

/** Reads the first element of a Via value; undefined if malformed. */
export function parseVia(value: string): Via | undefined {
  const length = endOfElement(value, 0)
  const semicolon = value.indexOf(';')
  const end = semicolon === -1 || semicolon > length ? length : semicolon
  const protocol = parseSentProtocol(value, end)
  const sentBy = protocol && parseHostPort(value.slice(protocol.end, end).trim())
  if (!sentBy) return undefined
  const parameters = value.slice(end, length)
  return {
    transport: protocol.transport,
    ...sentBy,
    branch: parameter(parameters, 'branch') ?? '',
    received: parameter(parameters, 'received'),
    rport: parameter(parameters, 'rport'),
    length,
  }
}

/**
 * Reads `SIP/2.0/UDP `, with the white space that RFC 4475 §3.1.1.1 shows allowed around slashes. Another
 * version is read too: its sender has to be told that it is not supported.
 */
function parseSentProtocol(
  value: string,
  limit: number,
): { readonly transport: string; readonly end: number } | undefined {
  const first = value.indexOf('/')
  const second = value.indexOf('/', first + 1)
  if (first === -1 || second === -1 || second > limit) return undefined
  if (value.slice(0, first).trimEnd().toUpperCase() !== 'SIP') return undefined
  if (!isVersion(value.slice(first + 1, second).trim())) return undefined
  let at = second + 1
  while (isBlank(value, at)) at++
  const start = at
  while (at < limit && !isBlank(value, at)) at++
  if (at === start || at >= limit) return undefined
  return { transport: value.slice(start, at).toLowerCase(), end: at }
}

function isVersion(text: string): boolean {
  const [major = '', minor = '', ...rest] = text.split('.')
  return rest.length === 0 && isToken(major) && isToken(minor)
}

const isBlank = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at)
  return code === 0x20 || code === 0x09
}

/**
 * The Via value with where the message really came from filled in: `received` if the sender wrote
 * another host, `rport` if it asked for it.
 *
 * @see RFC 3261 §18.2.1, RFC 3581 §4
 */
export function stampVia(value: string, via: Via, from: { address: string; port: number }): string {
  const asked = via.rport !== undefined
  if (!asked && via.host === from.address && via.received === undefined) return value
  const head = value.slice(0, via.length)
  const kept = head.replace(/;\s*(?:received|rport)\s*(?:=[^;]*)?(?=;|$)/gi, '')
  const received = asked || via.host !== from.address ? `;received=${from.address}` : ''
  const rport = asked ? `;rport=${from.port}` : ''
  return `${kept.trimEnd()}${received}${rport}${value.slice(via.length)}`
}

/**
 * Where the response to a request goes: back to the source address, to the source port if `rport`
 * was asked for, else to the port in the Via. `maddr` is not honoured: it serves multicast only and
 * would let a sender aim our responses at somebody else.
 *
 * @see RFC 3261 §18.2.2, RFC 3581 §4
 */
export function responsePort(via: Via, sourcePort: number): number {
  if (via.rport !== undefined) return sourcePort
  return via.port ?? (via.transport === 'tls' ? 5061 : 5060)
}

/** The Via line of a request of ours. */
export function ourVia(
  transport: string,
  sentBy: { readonly host: string; readonly port: number },
  branch: string,
): string {
  const name = transport.toUpperCase()
  return `SIP/2.0/${name} ${bracketed(sentBy.host)}:${sentBy.port};rport;branch=${branch}`
}

/** `host:port` of a Via, by which server transactions are told apart. */
export function sentByKey(via: Via): string {
  return `${via.host.toLowerCase()}:${via.port ?? ''}`
}
