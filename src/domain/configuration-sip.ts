import { z } from 'zod'
import { isPossibleNumber, normaliseNumber } from './number.ts'

const SIP_URI =
  /^(sips?):(?:(?<user>[^@:\s]+)@)?(?<host>\[[^\]]*\]|[^:;?@\s[\]]+)(?::(?<port>\d+))?(?<parameters>;[^?\s]*)?$/i
const USER = /^[\w.!~*'()&=+$,;?/%-]+$/
const HOST_NAME =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\.?$/i
const PARAMETERS = /^(?:;[\w.!~*'()[\]/:&+$%-]+(?:=[\w.!~*'()[\]/:&+$%-]+)?)*$/
const TEL_URI = /^tel:\+[\d().-]+$/i
const TRANSPORTS = ['udp', 'tcp', 'tls']
const URI_LENGTH_MAX = 256
const PORT_MAX = 65_535

/** What is wrong with a buyer's endpoint, in words; undefined for a sip:, sips: or global tel: URI. */
export function checkEndpoint(text: string): string | undefined {
  if (!/^tel:/i.test(text)) return checkSipUri(text)
  const isGlobal = TEL_URI.test(text) && isPossibleNumber(normaliseNumber(text) ?? '')
  return isGlobal ? undefined : 'is not a global number: write it as tel:+15551230000'
}

/** An endpoint as it is kept: a tel URI loses its visual separators. */
export function normaliseEndpoint(text: string): string {
  if (!TEL_URI.test(text)) return text
  const number = normaliseNumber(text)
  return number === undefined ? text : `tel:${number}`
}

/** What is wrong with a trunk's gateway, in words; undefined for a sip: or sips: URI without user. */
export function checkGateway(text: string): string | undefined {
  const problem = checkSipUri(text)
  if (problem) return problem
  return text.includes('@') ? 'must not name a user: write sip:host:port' : undefined
}

/** @see RFC 3261 §19.1.1; passwords and header fields are refused, as that section advises */
function checkSipUri(text: string): string | undefined {
  if (text.length > URI_LENGTH_MAX) return `is longer than ${URI_LENGTH_MAX} characters: shorten it`
  const { user, host, port, parameters = '' } = SIP_URI.exec(text)?.groups ?? {}
  if (host === undefined) return 'is not a SIP URI: write it as sip:user@host:port'
  if (user !== undefined && !USER.test(user)) return 'has a user that SIP does not allow: escape it'
  if (!isHost(host)) return 'has no valid host: write an IP address or a host name'
  if (port !== undefined && !isPort(port)) return `has no valid port: write 1 to ${PORT_MAX}`
  if (!PARAMETERS.test(parameters)) return 'has malformed parameters: write ;name=value'
  const [, transport] = /;transport=([^;]*)/i.exec(parameters) ?? []
  if (transport !== undefined && !TRANSPORTS.includes(transport.toLowerCase())) {
    return `has an unknown transport: write one of ${TRANSPORTS.join(', ')}`
  }
  return undefined
}

function isHost(host: string): boolean {
  if (host.startsWith('[')) return z.ipv6().safeParse(host.slice(1, -1)).success
  return z.ipv4().safeParse(host).success || HOST_NAME.test(host)
}

const isPort = (port: string): boolean =>
  port.length <= 5 && Number(port) >= 1 && Number(port) <= PORT_MAX

const HEADER_NAME = /^[A-Za-z0-9.!%*_+`'~-]{2,64}$/
const HEADER_VALUE_LENGTH_MAX = 512

/** Headers that the bridge writes itself, that steer requests, or that say who the caller is. */
const RESERVED_HEADERS = new Set(
  `accept accept-encoding accept-language alert-info allow allow-events authentication-info
   authorization call-id call-info contact content-disposition content-encoding content-language
   content-length content-type cseq date error-info event expires flow-timer from identity
   identity-info in-reply-to join max-forwards mime-version min-expires min-se p-asserted-identity
   p-preferred-identity path privacy proxy-authenticate proxy-authorization proxy-require rack reason
   record-route refer-sub refer-to referred-by remote-party-id replaces reply-to require retry-after
   route rseq security-client security-server security-verify server service-route session-expires
   sip-etag sip-if-match subscription-state supported target-dialog timestamp to unsupported
   user-agent via warning www-authenticate`.split(/\s+/),
)

/** What is wrong with the name of a further header, in words. @see RFC 3261 §25.1, token */
export function checkHeaderName(name: string): string | undefined {
  if (!HEADER_NAME.test(name)) {
    return 'is not a header name: write 2 to 64 letters, digits and hyphens, as in X-Campaign'
  }
  const isReserved = RESERVED_HEADERS.has(name.toLowerCase()) || /^x-ph-/i.test(name)
  return isReserved ? 'is written by the bridge itself: choose another name' : undefined
}

/** Those that have a form to normalise to, or that nobody acts upon. */
const PASSED_HEADERS = new Set(['diversion', 'history-info', 'identity', 'subject', 'user-to-user'])

/** What is wrong with the name of a caller's header that is to be passed on, in words. */
export function checkPassedHeaderName(name: string): string | undefined {
  const isOwn = /^x-/i.test(name) && checkHeaderName(name) === undefined
  return isOwn || PASSED_HEADERS.has(name.toLowerCase())
    ? undefined
    : 'is not passed on: write Diversion, History-Info, Identity, Subject, User-to-User or X-…'
}

/** What is wrong with the length or the characters of a further header's value, in words. */
export function checkHeaderValue(value: string): string | undefined {
  if (value.length > HEADER_VALUE_LENGTH_MAX) {
    return `is longer than ${HEADER_VALUE_LENGTH_MAX} characters: shorten it`
  }
  return undefined
}
