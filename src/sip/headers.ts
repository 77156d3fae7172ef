import type { Buyer, WrittenNumbers } from '../domain/campaign.ts'
import { writeNumber } from '../domain/number.ts'
import { expandTemplate, type TokenValues } from '../domain/tokens.ts'
import type { Caller } from './caller-id.ts'
import type { Headers, SipMessage } from './srf.ts'

/** How this deployment names the two headers that carry a call's UUID and key. @see behaviour B1 */
export interface HeaderNames {
  readonly uuid: string
  readonly key: string
}

/** The methods that either side of a call may send. @see RFC 3261 §20.5 */
export const ALLOW = 'INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE'

const VALUE_LENGTH_MAX = 256
const CUSTOM_LENGTH_MAX = 2_048
const MAX_FORWARDS_DEFAULT = 70
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\x00-\x1f\x7f]/

/** Everything that decides the headers of an INVITE to a buyer. */
export interface InviteFacts {
  readonly names: HeaderNames
  readonly callUuid: string
  readonly callKey: string
  readonly caller: Caller
  readonly maxForwards: number
  readonly buyer: Pick<Buyer, 'uuidFormat' | 'headers' | 'isTrusted' | 'numbers'>
  readonly values: TokenValues
  /** What goes on of the caller's own headers; gives way to every other header of the same name. */
  readonly passed: BuiltHeaders
}

export interface BuiltHeaders {
  readonly headers: Headers
  /** Names of the buyer's own headers that were left out because their values cannot stand in a header. */
  readonly leftOut: readonly string[]
}

/**
 * The headers of an INVITE to a buyer: from what we know, and from what came in as far as the buyer wants it. A value with a control
 * character cannot pass, so nothing can be smuggled in as a header of its own. @see behaviour B1
 */
export function buildInviteHeaders(facts: InviteFacts): BuiltHeaders {
  const { names, callUuid, callKey, buyer } = facts
  const custom = customHeaders(facts)
  const uuid = buyer.uuidFormat === 'compact' ? callUuid.replaceAll('-', '') : callUuid
  const own = {
    From: fromHeader(facts.caller.number, buyer.numbers),
    ...(buyer.isTrusted && assertedIdentity(facts.caller, buyer.numbers)),
    'Max-Forwards': String(facts.maxForwards),
    [names.uuid]: uuid,
    [names.key]: callKey,
  }
  for (const value of Object.values(own)) {
    if (CONTROL.test(value)) throw new RangeError('a header of ours holds a control character')
  }
  const headers = { ...custom.headers, ...own }
  const taken = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  const passed = Object.entries(facts.passed.headers).filter(
    ([name]) => !taken.has(name.toLowerCase()),
  )
  return {
    headers: { ...Object.fromEntries(passed), ...headers },
    leftOut: [...custom.leftOut, ...facts.passed.leftOut],
  }
}

function customHeaders({ buyer, values, names }: InviteFacts): BuiltHeaders {
  const reserved = new Set([names.uuid.toLowerCase(), names.key.toLowerCase()])
  const headers: Record<string, string> = {}
  const leftOut: string[] = []
  let length = 0
  for (const { name, value } of buyer.headers) {
    const { text } = expandTemplate(value, values, (tokenValue) => tokenValue)
    length += name.length + text.length
    const fits = text.length <= VALUE_LENGTH_MAX && length <= CUSTOM_LENGTH_MAX
    if (!fits || CONTROL.test(text) || reserved.has(name.toLowerCase())) leftOut.push(name)
    else if (text !== '') headers[name] = text
  }
  return { headers, leftOut }
}

/** @see RFC 3323 for callers who do not want to be known */
function fromHeader(callerNumber: string | undefined, numbers: WrittenNumbers): string {
  return callerNumber === undefined
    ? '"Anonymous" <sip:anonymous@anonymous.invalid>'
    : `<${numberUri(callerNumber, numbers)}>`
}

/** Our own domain stands in for the host; the SIP server knows its address. */
const numberUri = (e164: string, numbers: WrittenNumbers): string =>
  `sip:${writeNumber(e164, numbers)}@localhost${numbers.isMarked ? ';user=phone' : ''}`

/** Who the caller is, for a buyer whom we trust to keep it to itself. @see RFC 3325 §9.1 */
function assertedIdentity({ number, asserted }: Caller, numbers: WrittenNumbers): Headers {
  const known = asserted ?? number
  if (known === undefined) return {}
  const identity = { 'P-Asserted-Identity': `<${numberUri(known, numbers)}>` }
  return number === undefined ? { ...identity, Privacy: 'id' } : identity
}

/** Max-Forwards for the buyer's INVITE; undefined when the caller's has run out. @see RFC 7332 */
export function nextMaxForwards(request: Pick<SipMessage, 'get'>): number | undefined {
  const text = request.get('Max-Forwards')
  if (text === undefined) return MAX_FORWARDS_DEFAULT
  const value = /^\d{1,3}$/.test(text.trim()) ? Number(text) : MAX_FORWARDS_DEFAULT
  return value > 0 ? Math.min(value, MAX_FORWARDS_DEFAULT) - 1 : undefined
}

/** The Reason header of a CANCEL or BYE, as it may be passed on. @see RFC 3326 */
export function passReason(reason: string | undefined): Headers {
  const isFit = reason !== undefined && reason.length <= VALUE_LENGTH_MAX && !CONTROL.test(reason)
  return isFit ? { Reason: reason } : {}
}

/** Our own Reason for a CANCEL or BYE. */
export function reasonHeader(cause: number, text: string): Headers {
  return { Reason: `SIP;cause=${cause};text="${text}"` }
}

/** The Content-Type of a body that is passed on. */
export function contentType(message: Pick<SipMessage, 'get'>): Headers {
  const type = message.get('Content-Type')
  const isFit = type !== undefined && type.length <= VALUE_LENGTH_MAX && !CONTROL.test(type)
  return { 'Content-Type': isFit ? type : 'application/sdp' }
}
