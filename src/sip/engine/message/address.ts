import { hasEmptyParameter, isToken, parameter } from './headers.ts'

/** A From, To, Contact, Route or similar value taken apart. @see RFC 3261 §20.10 */
export interface Address {
  /** Display name as written, quotes included; empty if there is none. */
  readonly display: string
  readonly uri: string
  /** Header parameters as written, each with its leading `;`. */
  readonly parameters: string
}

/**
 * Reads a name-addr or addr-spec with its header parameters; undefined if malformed. In the form
 * without angle brackets every parameter belongs to the header (RFC 3261 §20).
 */
export function parseAddress(value: string): Address | undefined {
  const open = openingBracket(value)
  if (open === 'malformed') return undefined
  return open === -1 ? parseAddrSpec(value) : parseNameAddr(value, open)
}

/** The tag of a From or To value; undefined if it has none. */
export function tagOf(value: string): string | undefined {
  const address = parseAddress(value)
  const tag = address && parameter(address.parameters, 'tag')
  return tag === '' ? undefined : tag
}

/** The value with its tag removed and its URI in angle brackets; undefined if malformed. */
export function withoutTag(value: string): string | undefined {
  const address = parseAddress(value)
  if (!address) return undefined
  const tag = parameter(address.parameters, 'tag')
  const display = address.display === '' ? '' : `${address.display} `
  const parameters =
    tag === undefined ? address.parameters : address.parameters.replace(/;\s*tag\s*(=[^;]*)?/i, '')
  return `${display}<${address.uri}>${parameters}`
}

/** A From or To value without a tag, with this one; a semicolon that it ends with is not doubled. */
export function withTag(value: string, tag: string): string {
  const end = value.trimEnd()
  return `${end.endsWith(';') ? end.slice(0, -1) : end};tag=${tag}`
}

function openingBracket(value: string): number | 'malformed' {
  if (!value.startsWith('"')) return value.indexOf('<')
  let at = 1
  while (at < value.length && value.charCodeAt(at) !== 0x22)
    at += value.charCodeAt(at) === 0x5c ? 2 : 1
  if (at >= value.length) return 'malformed'
  const open = value.indexOf('<', at)
  return open === -1 || value.slice(at + 1, open).trim() !== '' ? 'malformed' : open
}

function parseNameAddr(value: string, open: number): Address | undefined {
  const close = value.indexOf('>', open)
  if (close === -1) return undefined
  const display = value.slice(0, open).trim()
  if (!display.startsWith('"') && !isTokens(display)) return undefined
  const uri = value.slice(open + 1, close).trim()
  if (!isUri(uri)) return undefined
  return withParameters({ display, uri }, value.slice(close + 1).trim())
}

function parseAddrSpec(value: string): Address | undefined {
  const semicolon = value.indexOf(';')
  const uri = (semicolon === -1 ? value : value.slice(0, semicolon)).trim()
  // A `?` or a comma is only allowed inside angle brackets.
  if (!isUri(uri) || uri.includes('?') || uri.includes(',')) return undefined
  return withParameters({ display: '', uri }, semicolon === -1 ? '' : value.slice(semicolon))
}

function withParameters(
  { display, uri }: { readonly display: string; readonly uri: string },
  parameters: string,
): Address | undefined {
  if (parameters !== '' && !parameters.startsWith(';')) return undefined
  if (hasEmptyParameter(parameters)) return undefined
  return { display, uri, parameters }
}

function isTokens(display: string): boolean {
  if (display === '') return true
  if (isToken(display)) return true
  return display.split(/[ \t]+/).every(isToken)
}

function isUri(uri: string): boolean {
  const colon = uri.indexOf(':')
  if (colon < 1 || colon === uri.length - 1) return false
  for (let at = 0; at < uri.length; at++) {
    const code = uri.charCodeAt(at)
    if (code <= 0x20 || code === 0x7f || code === 0x22 || code === 0x3c) return false
  }
  return true
}
