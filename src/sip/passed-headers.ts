import type { Buyer, TrunkNumbers } from '../domain/campaign.ts'
import { normaliseNumber, writeNumber } from '../domain/number.ts'
import { type Caller, numberIn } from './caller-id.ts'
import { passDiversions, passHistory } from './diversion.ts'
import type { BuiltHeaders } from './headers.ts'
import { splitList } from './header-list.ts'
import type { Headers, SipMessage } from './srf.ts'

/** A caller's INVITE, and the buyer that some of it may be passed on to. */
export interface PassingFacts {
  readonly request: Pick<SipMessage, 'get'>
  /** How the trunk writes numbers. */
  readonly writing: Pick<TrunkNumbers, 'country' | 'prefix'>
  readonly caller: Pick<Caller, 'number'>
  readonly buyer: Pick<Buyer, 'passHeaders' | 'isTrusted' | 'numbers' | 'requestUri'>
}

const VALUE_LENGTH_MAX = 256
const NORMALISED_LENGTH_MAX = 2_048
/** Together with our own headers and the buyer's, what drachtio-server takes. */
const PASSED_LENGTH_MAX = 3_000

/**
 * What the buyer wants of the caller's own headers, normalised where there is a form to normalise to, and
 * unchanged else. A value that cannot stand in a header, or one too many, is left out.
 */
export function passedHeaders(facts: PassingFacts): BuiltHeaders {
  const headers: Record<string, string> = {}
  const leftOut: string[] = []
  let length = 0
  for (const name of facts.buyer.passHeaders) {
    const passed = Object.entries(passOne(name, facts)).filter(([, value]) => value !== '')
    const size = passed.reduce((total, [key, value]) => total + key.length + value.length, 0)
    const isFit = passed.every(([key, value]) => value.length <= lengthMax(key) && isText(value))
    if (isFit && length + size <= PASSED_LENGTH_MAX) {
      length += size
      Object.assign(headers, Object.fromEntries(passed))
    } else leftOut.push(name)
  }
  return { headers, leftOut }
}

const NORMALISED = new Set(['Diversion', 'History-Info', 'Identity', 'Date'])
const lengthMax = (name: string): number =>
  NORMALISED.has(name) ? NORMALISED_LENGTH_MAX : VALUE_LENGTH_MAX

const isText = (value: string): boolean => !/\p{Cc}/u.test(value)

function passOne(name: string, facts: PassingFacts): Headers {
  const { request, writing, buyer } = facts
  switch (name.toLowerCase()) {
    case 'diversion':
      return { Diversion: passDiversions(request, writing, buyer.isTrusted) }
    case 'history-info':
      return { 'History-Info': passHistory(request, writing, buyer.isTrusted) }
    case 'identity':
      return passIdentity(facts)
    default:
      return { [name]: request.get(name) ?? '' }
  }
}

/** @see RFC 7231 §7.1.1.1, the only form that SIP takes */
const DATE =
  /^(?:mon|tue|wed|thu|fri|sat|sun), \d\d (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) \d{4} \d\d:\d\d:\d\d GMT$/i

/** A PASSporT in full or compact form, and where its certificate is. @see RFC 8224 §4 */
const PASSPORT = /^[\w-]*\.[\w-]*\.[\w-]+\s*;\s*info\s*=\s*<[^<>"\s]+>[^<>"]*$/

/**
 * A signature over To, From and Date is worth something only beside the same To, From and Date: it passes
 * with its Date to a buyer who is reached at the number that was dialled, and is dropped else. So is one of
 * several, since the client cannot send a header twice. @see RFC 8224 §6.2
 */
function passIdentity({ request, writing, caller, buyer }: PassingFacts): Headers {
  const [identity, ...more] = splitList(request.get('Identity') ?? request.get('y') ?? '')
  const date = request.get('Date') ?? ''
  if (identity === undefined || more.length > 0) return {}
  if (!PASSPORT.test(identity) || !DATE.test(date)) return {}
  const from = numberIn(request.get('From') ?? '', writing)
  const to = numberIn(request.get('To') ?? '', writing)
  if (from === undefined || to === undefined || caller.number !== from) return {}
  const isSameFrom = normaliseNumber(writeNumber(from, buyer.numbers)) === from
  const isSameTo = normaliseNumber(buyer.requestUri) === to
  return isSameFrom && isSameTo ? { Identity: identity, Date: date } : {}
}
