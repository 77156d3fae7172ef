import { parseAddress } from '../message/address.ts'
import { headerValue, type HeaderField, wireName } from '../message/headers.ts'
import type { HeaderLine } from '../message/serialise.ts'
import { bracketed } from '../message/uri.ts'
import type { Listener } from '../transport/transport.ts'

/** Headers that belong to the engine: what an application writes there is not sent, or not as is. */
const OURS =
  'via from to call-id cseq contact content-length content-type route record-route rseq'.split(' ')
const RESERVED_IN_RESPONSES: ReadonlySet<string> = new Set(OURS)
const RESERVED_IN_REQUESTS: ReadonlySet<string> = new Set([...OURS, 'max-forwards'])

/** The headers of an application's request that go out as they are, under their usual spelling. */
export function extraRequestHeaders(headers: readonly HeaderField[]): readonly HeaderLine[] {
  return extraHeaders(headers, RESERVED_IN_REQUESTS)
}

/** The headers of an application's response that go out as they are, under their usual spelling. */
export function extraResponseHeaders(headers: readonly HeaderField[]): readonly HeaderLine[] {
  return extraHeaders(headers, RESERVED_IN_RESPONSES)
}

function extraHeaders(
  headers: readonly HeaderField[],
  reserved: ReadonlySet<string>,
): readonly HeaderLine[] {
  const lines: HeaderLine[] = []
  for (const { key, name, value } of headers)
    if (!reserved.has(key)) lines.push([wireName(name), value])
  return lines
}

/**
 * The Content-Type line for a body: as given, or `application/sdp` for what looks like SDP; none
 * without a body. Undefined if the body is of an unknown kind.
 */
export function contentTypeLine(
  headers: readonly HeaderField[],
  body: string,
): readonly HeaderLine[] | undefined {
  const given = headerValue(headers, 'content-type')
  if (given !== undefined) return [['Content-Type', given]]
  if (body === '') return []
  return body.startsWith('v=0') ? [['Content-Type', 'application/sdp']] : undefined
}

/**
 * Replaces the placeholder host of an application (`sip:user@localhost`), which does not know the
 * engine's addresses, by the address that the message is sent from. Such a value, and one without
 * angle brackets, comes out as name-addr.
 */
export function withLocalAddress(value: string, listener: Listener): string {
  const { host, port } = listener.sentBy
  const local = `${bracketed(host)}:${port}`
  const replaced = value.replace(
    /(@|sips?:)localhost(?::\d{1,5})?(?=[>;?,\s]|$)/gi,
    (_, before: string) => before + local,
  )
  if (replaced.includes('<')) return replaced
  const address = parseAddress(replaced)
  return address ? `<${address.uri}>${address.parameters}` : replaced
}

/** The Contact of the engine on a listener. */
export function localContact(listener: Listener): string {
  const { host, port } = listener.sentBy
  const transport = listener.transport === 'udp' ? '' : `;transport=${listener.transport}`
  return `<sip:${bracketed(host)}:${port}${transport}>`
}

/** The Contact of the engine for a dialog that begins with a `sips:` URI. @see RFC 3261 §8.1.1.8 */
function secureContact({ sentBy: { host, port } }: Listener): string {
  return `<sips:${bracketed(host)}:${port}>`
}

/**
 * The Contact an application gave, with the engine's address in it, or the engine's own.
 *
 * @param isSecure whether it has to be a `sips:` URI, which an application may have seen to itself
 */
export function contactLine(
  headers: readonly HeaderField[],
  listener: Listener,
  isSecure: boolean,
): HeaderLine {
  const given = headerValue(headers, 'contact')
  if (given === undefined)
    return ['Contact', isSecure ? secureContact(listener) : localContact(listener)]
  return ['Contact', withTransport(withLocalAddress(given, listener), listener)]
}

/** A Contact that leads to this listener has to name its transport, or requests come by UDP. */
function withTransport(contact: string, listener: Listener): string {
  const { host, port } = listener.sentBy
  if (listener.transport === 'udp' || contact.includes('transport=')) return contact
  if (contact.includes('sips:')) return contact // it cannot be anything but TLS
  const local = `${bracketed(host)}:${port}>`
  return contact.replace(local, `${local.slice(0, -1)};transport=${listener.transport}>`)
}
