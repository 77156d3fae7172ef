import type { TrunkNumbers } from '../domain/campaign.ts'
import { normaliseNumber } from '../domain/number.ts'
import { splitList } from './header-list.ts'
import type { SipMessage } from './srf.ts'

// Never begun at an escaped quote, nor with lengths left open: strangers' text is read once.
const QUOTED = /(?<!\\)"(?:[^"\\]|\\.)*"/g
/** The first URI of a text, and its user if it has one; parameters may stand before the @ (RFC 4694). */
const URI = /sips?:(?:([^@;>\s]{1,64})(?:;[^@>\s]{0,256})?@)?|tel:([^;>\s]{1,64})/i

/** Who calls, in E.164. */
export interface Caller {
  /** What anybody may know; undefined where it is withheld or no number. */
  readonly number: string | undefined
  /** What the trunk asserts, for those that we trust, also where the caller withholds it. */
  readonly asserted: string | undefined
}

/** How a trunk writes numbers, and whether its word counts. */
export interface TrunkWriting {
  readonly numbers: Pick<TrunkNumbers, 'country' | 'dialled' | 'prefix'>
  readonly isTrusted: boolean
}

/** What holds for callers from nowhere in particular: numbers are international. */
export const PLAIN_WRITING: TrunkWriting = {
  numbers: { country: undefined, dialled: 'request_uri', prefix: '' },
  isTrusted: true,
}

/**
 * The caller, from where carriers put it: P-Asserted-Identity, then Remote-Party-ID, where the trunk is
 * trusted, then From. What asks for privacy stays between us and those that we trust. @see RFC 3325
 */
export function readCaller(
  request: Pick<SipMessage, 'get'>,
  { numbers, isTrusted }: TrunkWriting,
): Caller {
  const read = (name: string) => {
    const value = request.get(name)
    return value !== undefined && URI.test(value) ? value : undefined
  }
  const asserting = isTrusted ? (read('P-Asserted-Identity') ?? read('Remote-Party-ID')) : undefined
  // Two may be asserted, a SIP address and a telephone number. @see RFC 3325 §9.1
  const [asserted] = splitList(asserting ?? '').flatMap((each) => numberIn(each, numbers) ?? [])
  if (isWithheld(request)) return { number: undefined, asserted }
  const isAsserted = asserting !== undefined
  return { number: isAsserted ? asserted : numberIn(read('From') ?? '', numbers), asserted }
}

/**
 * What the trunk has found out about the caller's right to the number; undefined where it does not say.
 * @see 3GPP TS 24.229 §7.2A.20, a parameter of P-Asserted-Identity or From
 */
export function readVerstat(request: Pick<SipMessage, 'get'>): string | undefined {
  const values = ['P-Asserted-Identity', 'From'].map((name) => request.get(name) ?? '')
  const [verstat] = values.flatMap(
    (value) => /[;]\s*verstat=([\w-]{1,64})/i.exec(value.replaceAll(QUOTED, '""'))?.[1] ?? [],
  )
  return verstat
}

/** The number that was dialled, in E.164, from where the trunk puts it; else from the request URI. */
export function dialledNumber(
  request: Pick<SipMessage, 'uri' | 'get'>,
  { numbers }: TrunkWriting,
): string | undefined {
  switch (numbers.dialled) {
    case 'request_uri':
      return numberIn(request.uri, numbers)
    case 'to':
      return numberIn(request.get('To') ?? request.uri, numbers)
    case 'diversion':
      return numberIn(request.get('Diversion') ?? request.uri, numbers)
    case 'history_info':
      // The oldest entry stands first: what the caller has dialled. @see RFC 7044 §5
      return numberIn(request.get('History-Info') ?? request.uri, numbers)
  }
}

/** @see RFC 3323 §4.2; Remote-Party-ID says it with a parameter of its own */
function isWithheld(request: Pick<SipMessage, 'get'>): boolean {
  const hasPrivacy = /\b(?:id|header|user)\b/i.test(request.get('Privacy') ?? '')
  return hasPrivacy || /;\s*privacy=(?:full|uri)\b/i.test(request.get('Remote-Party-ID') ?? '')
}

/**
 * The E.164 number in an address, a URI or a list of them: that of the first; undefined for all else. A host is no
 * number, though it may look like one.
 */
export function numberIn(
  text: string,
  { country, prefix }: Pick<TrunkNumbers, 'country' | 'prefix'>,
): string | undefined {
  const user = userOf(text)
  const bare = prefix !== '' && user.startsWith(prefix) ? user.slice(prefix.length) : user
  return normaliseNumber(bare, country)
}

function userOf(text: string): string {
  // A display name is the caller's own choice, and may look like an address.
  const [, inSip, inTel] = URI.exec(text.replaceAll(QUOTED, '""')) ?? []
  const user = inSip ?? inTel ?? ''
  try {
    return decodeURIComponent(user)
  } catch {
    return user
  }
}
