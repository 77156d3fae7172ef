import { parseAddress } from '../message/address.ts'
import { hasEmptyElement, headerValue, headerValues, listElements } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'
import { type HeaderLine, reasonPhrase } from '../message/serialise.ts'
import { parseDigits, parseSipUri, schemeOf } from '../message/uri.ts'

/** A request that no application gets to see, and its answer. */
export interface Refusal {
  readonly status: number
  readonly reason: string
  readonly headers: readonly HeaderLine[]
}

/** Methods that are handed to whoever routes them. */
const METHODS = (
  'INVITE ACK CANCEL BYE OPTIONS INFO UPDATE MESSAGE NOTIFY REFER REGISTER ' +
  'SUBSCRIBE PUBLISH PRACK'
).split(' ')
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)

/** Extensions that a request may require. */
const EXTENSIONS: ReadonlySet<string> = new Set(['100rel', 'timer'])

/** What an application and its socket can carry in one piece with ease, in bytes. */
const MESSAGE_BYTES_MAX = 65_535
const DATAGRAM_BYTES_MAX = 16_384
const URI_BYTES_MAX = 512
/** RFC 4475 §3.1.1.7 has a good request that came through 34 hops. */
const HOPS_MAX = 40
const RECORD_ROUTES_MAX = 20

/**
 * Decides whether a well-formed request is refused before anybody sees it; undefined if not. The
 * order is that of RFC 3261 §8.2: method, then headers.
 */
export function decideRefusal(request: SipRequest, stream: boolean): Refusal | undefined {
  const { method, uri, text } = request
  if (!KNOWN_METHODS.has(method)) return refusal(405, [['Allow', METHODS.join(', ')]])
  if (text.length > (stream ? MESSAGE_BYTES_MAX : DATAGRAM_BYTES_MAX)) return refusal(513)
  return refuseUri(uri) ?? refuseHeaders(request) ?? refuseExtensions(request)
}

function refuseUri(uri: string): Refusal | undefined {
  if (uri.length > URI_BYTES_MAX) return refusal(414)
  const scheme = schemeOf(uri)
  if (scheme === undefined) return bad('Bad Request-URI')
  if (scheme === 'tel') return undefined
  if (scheme !== 'sip' && scheme !== 'sips') return refusal(416)
  const parsed = parseSipUri(uri)
  return !parsed || parsed.hasHeaders ? bad('Bad Request-URI') : undefined
}

function refuseHeaders(request: SipRequest): Refusal | undefined {
  const { headers, method, toTag } = request
  const written = headerValue(headers, 'max-forwards')
  const hops = written === undefined ? 70 : parseDigits(written, 10)
  if (hops === undefined || hops > 255) return bad('Bad Max-Forwards Header')
  // A user agent need not look at Max-Forwards; a bridge is a hop in a loop like any other.
  if (hops === 0 && toTag === undefined && method !== 'OPTIONS' && method !== 'CANCEL')
    return refusal(483)
  if (count(headerValues(headers, 'via')) > HOPS_MAX) return bad('Too Many Via Headers')
  if (count(headerValues(headers, 'record-route')) > RECORD_ROUTES_MAX)
    return bad('Too Many Record-Route Headers')
  if (method === 'INVITE' && request.fromTag === undefined) return bad('Missing From Tag')
  return refuseContact(request) ?? refuseRecordRoute(request)
}

function refuseContact({ headers, method }: SipRequest): Refusal | undefined {
  const values = headerValues(headers, 'contact')
  if (hasEmptyElement(values)) return bad('Bad Contact Header')
  const contacts = listElements(values)
  if (method === 'REGISTER' && contacts.length === 1 && contacts[0] === '*') return undefined
  for (const contact of contacts) if (!parseAddress(contact)) return bad('Bad Contact Header')
  if (method !== 'INVITE' && method !== 'SUBSCRIBE') return undefined
  const [first] = contacts
  if (first === undefined) return bad('Missing Contact Header')
  // Where else could a request inside the dialog go?
  return parseSipUri(parseAddress(first)?.uri ?? '') ? undefined : bad('Bad Contact Header')
}

function refuseRecordRoute({ headers }: SipRequest): Refusal | undefined {
  for (const route of listElements(headerValues(headers, 'record-route')))
    if (!parseSipUri(parseAddress(route)?.uri ?? '')) return bad('Bad Record-Route Header')
  return undefined
}

function refuseExtensions({ headers, method }: SipRequest): Refusal | undefined {
  if (method === 'CANCEL') return undefined
  const unknown = listElements(headerValues(headers, 'require')).filter(
    (extension) => !EXTENSIONS.has(extension.toLowerCase()),
  )
  return unknown.length === 0 ? undefined : refusal(420, [['Unsupported', unknown.join(', ')]])
}

const count = (values: readonly string[]): number =>
  values.length <= 1 && !values[0]?.includes(',') ? values.length : listElements(values).length

const bad = (reason: string): Refusal => ({ status: 400, reason, headers: [] })

function refusal(status: number, headers: readonly HeaderLine[] = []): Refusal {
  return { status, reason: reasonPhrase(status), headers }
}
