import { normaliseNumber } from '../domain/number.ts'
import type { SipMessage } from './srf.ts'

const USER = /<?\s*(?:sips?|tel):([^@;>\s]{1,64})/i

/**
 * The caller's number in E.164, from where carriers put it: P-Asserted-Identity, then Remote-Party-ID, then
 * From. Undefined where it is withheld or no number. @see RFC 3325
 */
export function callerNumber(
  request: Pick<SipMessage, 'get'>,
  country: string | undefined,
): string | undefined {
  if (/\b(?:id|header|user)\b/i.test(request.get('Privacy') ?? '')) return undefined
  const header = ['P-Asserted-Identity', 'Remote-Party-ID', 'From']
    .map((name) => request.get(name))
    .find((value) => value !== undefined && USER.test(value))
  return normaliseNumber(userOf(header ?? ''), country)
}

/** The number that was dialled, in E.164, from the request URI. */
export function dialledNumber(
  request: Pick<SipMessage, 'uri'>,
  country: string | undefined,
): string | undefined {
  return normaliseNumber(userOf(request.uri), country)
}

function userOf(text: string): string {
  const user = USER.exec(text)?.[1] ?? ''
  try {
    return decodeURIComponent(user)
  } catch {
    return user
  }
}
