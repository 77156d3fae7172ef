import {
  type HeaderField,
  headerValue,
  headerValues,
  listElements,
  parameter,
} from '../message/headers.ts'
import { parseDigits } from '../message/uri.ts'

/** The shortest time that a call may be agreed to expire in, in seconds. @see RFC 4028 §5 */
export const SESSION_SECONDS_MIN = 90

/** Longer than any call, and still far from where a timer would overflow. */
const SESSION_SECONDS_MAX = 2_000_000

/** What the two sides of a call agreed on: when it expires, and who keeps it from that. */
export interface SessionTerms {
  readonly seconds: number
  readonly refresher: 'us' | 'them'
}

/** A Session-Expires header: seconds, and who refreshes as seen from this one transaction. */
export interface SessionExpires {
  readonly seconds: number
  readonly refresher: 'uac' | 'uas' | undefined
}

/** Reads Session-Expires; undefined if it is not there or malformed. @see RFC 4028 §4 */
export function parseSessionExpires(headers: readonly HeaderField[]): SessionExpires | undefined {
  const value = headerValue(headers, 'session-expires')
  if (value === undefined) return undefined
  const semicolon = value.indexOf(';')
  const end = semicolon === -1 ? value.length : semicolon
  const seconds = parseDigits(value.slice(0, end).trim(), 10)
  if (seconds === undefined) return undefined
  const named = parameter(value.slice(end), 'refresher')?.toLowerCase()
  return { seconds, refresher: named === 'uac' || named === 'uas' ? named : undefined }
}

/** Reads the Min-SE of a 422, in seconds. @see RFC 4028 §5 */
export function parseMinSe(headers: readonly HeaderField[]): number | undefined {
  const [value = ''] = (headerValue(headers, 'min-se') ?? '').split(';', 1)
  return parseDigits(value.trim(), 10)
}

/** Whether a request asks for a shorter time than we agree to inside a dialog. */
export function isTooShort(headers: readonly HeaderField[]): boolean {
  const asked = parseSessionExpires(headers)
  return asked !== undefined && asked.seconds < SESSION_SECONDS_MIN
}

/** Whether one side says that it knows session timers. */
export function supportsTimer(headers: readonly HeaderField[]): boolean {
  return namesTimer(headers, 'supported')
}

function namesTimer(headers: readonly HeaderField[], key: 'supported' | 'require'): boolean {
  return listElements(headerValues(headers, key)).some((option) => option.toLowerCase() === 'timer')
}

/**
 * The terms of a 2xx of ours to an INVITE or UPDATE: what the application wrote into it, else what
 * the caller asked for if it said who refreshes, or if that was settled before. As drachtio-server
 * does, a shorter time than 90 s in a first INVITE is made 90 (RFC 4028 §9 would answer 422), and an
 * offer that leaves the refresher open is taken up, by us, only for a caller that insists on a timer.
 */
export function agreeAsServer(
  asked: readonly HeaderField[],
  given: readonly HeaderField[],
  before: SessionTerms['refresher'] | undefined,
): SessionTerms | undefined {
  const ours = parseSessionExpires(given)
  if (ours) return termsOf(ours, ours.refresher ?? (supportsTimer(asked) ? 'uac' : 'uas'))
  const theirs = parseSessionExpires(asked)
  const insists = namesTimer(asked, 'require') ? 'uas' : undefined
  const refresher = theirs?.refresher ?? (before ? AS_SERVER[before] : insists)
  return theirs && refresher ? termsOf(theirs, refresher) : undefined
}

function termsOf({ seconds }: SessionExpires, refresher: 'uac' | 'uas'): SessionTerms {
  return { seconds: within(seconds), refresher: refresher === 'uac' ? 'them' : 'us' }
}

/** Who refreshes, as it is written in the transaction that they have begun. */
export const AS_SERVER = { us: 'uas', them: 'uac' } as const

/** Who refreshes, as it is written in the transaction that we have begun. */
export const AS_CLIENT = { us: 'uac', them: 'uas' } as const

/** The terms of a 2xx to an INVITE or UPDATE of ours: we refresh unless it says otherwise. */
export function agreeAsClient(answer: readonly HeaderField[]): SessionTerms | undefined {
  const given = parseSessionExpires(answer)
  if (!given) return undefined
  return { seconds: within(given.seconds), refresher: given.refresher === 'uas' ? 'them' : 'us' }
}

const within = (seconds: number): number =>
  Math.min(Math.max(seconds, SESSION_SECONDS_MIN), SESSION_SECONDS_MAX)
