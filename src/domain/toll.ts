import { parsePhoneNumberFromString } from 'libphonenumber-js/max'

/**
 * Ranges that cost what their owner likes and belong to no country: satellites, international networks and
 * international premium numbers. @see ITU-T E.164.1
 */
const DEAR_PREFIXES = ['+870', '+878', '+881', '+882', '+883', '+979', '+1900', '+1976']
const DEAR_TYPES = new Set(['PREMIUM_RATE', 'SHARED_COST'])

/** Whether calling this E.164 number may cost more than a call: premium ranges and satellites. */
export function isDearNumber(e164: string): boolean {
  if (DEAR_PREFIXES.some((prefix) => e164.startsWith(prefix))) return true
  return DEAR_TYPES.has(parsePhoneNumberFromString(e164)?.getType() ?? '')
}
