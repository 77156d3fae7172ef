import { isIPv4, isIPv6 } from 'node:net'
import { parameter } from './headers.ts'

/** A `sip:` or `sips:` URI taken apart. @see RFC 3261 §19.1 */
export interface SipUri {
  readonly scheme: 'sip' | 'sips'
  /** User part as written, escapes and user parameters included. */
  readonly user: string | undefined
  /** Host name or address; an IPv6 address without its brackets. */
  readonly host: string
  readonly port: number | undefined
  /** URI parameters as written, each with its leading `;`. */
  readonly parameters: string
  /** Whether the URI carries `?header=value` parts, which are not allowed in a Request-URI. */
  readonly hasHeaders: boolean
}

/** The scheme of a URI in lower case; undefined if the text does not begin with one. */
export function schemeOf(uri: string): string | undefined {
  const colon = uri.indexOf(':')
  if (colon < 1) return undefined
  for (let at = 0; at < colon; at++)
    if (!isSchemeCharacter(uri.charCodeAt(at), at)) return undefined
  return uri.slice(0, colon).toLowerCase()
}

function isSchemeCharacter(code: number, at: number): boolean {
  const letter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
  if (at === 0) return letter
  return letter || (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e
}

/** Reads a `sip:` or `sips:` URI; undefined if it is another scheme or malformed. */
export function parseSipUri(uri: string): SipUri | undefined {
  const scheme = schemeOf(uri)
  if (scheme !== 'sip' && scheme !== 'sips') return undefined
  if (!isUriText(uri)) return undefined
  const start = scheme.length + 1
  const at = uri.indexOf('@', start) // before everything else: user parts may hold `;` and `?`
  const hostStart = at === -1 ? start : at + 1
  const question = uri.indexOf('?', hostStart)
  const end = question === -1 ? uri.length : question
  const semicolon = uri.indexOf(';', hostStart)
  const hostEnd = semicolon === -1 || semicolon > end ? end : semicolon
  const hostPort = parseHostPort(uri.slice(hostStart, hostEnd))
  if (!hostPort) return undefined
  return {
    scheme,
    user: at === -1 ? undefined : uri.slice(start, at),
    host: hostPort.host,
    port: hostPort.port,
    parameters: uri.slice(hostEnd, end),
    hasHeaders: question !== -1,
  }
}

/** Reads `host`, `host:port` or `[v6]:port`, with white space around the colon allowed. */
export function parseHostPort(
  text: string,
): { readonly host: string; readonly port: number | undefined } | undefined {
  const bracket = text.indexOf(']')
  const colon = text.indexOf(':', bracket === -1 ? 0 : bracket)
  const name = (colon === -1 ? text : text.slice(0, colon)).trim()
  const host = bracket === -1 ? name : name.slice(1, -1)
  if (bracket === -1 ? !isHostName(host) : !(name.startsWith('[') && isIPv6(host))) return undefined
  if (colon === -1) return { host, port: undefined }
  const port = parsePort(text.slice(colon + 1).trim())
  return port === undefined ? undefined : { host, port }
}

/** Reads a port number from 1 to 65535; undefined otherwise. */
function parsePort(text: string): number | undefined {
  const port = parseDigits(text, 5)
  return port === undefined || port === 0 || port > 65_535 ? undefined : port
}

/** Reads an unsigned number of at most `digitsMax` digits and nothing else. */
export function parseDigits(text: string, digitsMax: number): number | undefined {
  if (text === '' || text.length > digitsMax) return undefined
  let value = 0
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return value
}

/** A host as it is written in URIs and Via: IPv6 addresses in brackets. */
export function bracketed(host: string): string {
  return looksLikeIPv6(host) ? `[${host}]` : host
}

/** Whether a host that was read or configured is an IPv6 address: no name holds a colon. */
export function looksLikeIPv6(host: string): boolean {
  return host.includes(':')
}

/** Whether the host is an address, so that nothing has to be looked up. */
export function isAddress(host: string): boolean {
  if (looksLikeIPv6(host)) return true
  const last = host.charCodeAt(host.length - 1) // no top-level domain ends in a digit
  return last >= 0x30 && last <= 0x39 && isIPv4(host)
}

/** One parameter of a URI. @see parameter */
export function uriParameter(uri: SipUri, name: string): string | undefined {
  return uri.parameters === '' ? undefined : parameter(uri.parameters, name)
}

function isHostName(host: string): boolean {
  for (let at = 0; at < host.length; at++) {
    const code = host.charCodeAt(at)
    const alphanumeric =
      (code >= 0x30 && code <= 0x39) || ((code | 0x20) - 0x61 < 26 && code >= 0x41)
    // An underscore is no host name in the RFC, and yet trunks use it.
    if (!alphanumeric && code !== 0x2d && code !== 0x2e && code !== 0x5f) return false
  }
  return host !== '' && host.length <= 255
}

/** No white space, quotes, angle brackets or bytes outside ASCII. */
function isUriText(uri: string): boolean {
  for (let at = 0; at < uri.length; at++) {
    const code = uri.charCodeAt(at)
    if (code <= 0x20 || code >= 0x7f || code === 0x22 || code === 0x3c || code === 0x3e)
      return false
  }
  return true
}
