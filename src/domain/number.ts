import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
} from 'libphonenumber-js'

const TEXT_LENGTH_MAX = 256
/** ITU-T E.164 §6.2: at most fifteen digits, and no country code begins with 0. */
const E164 = /^\+[1-9]\d{6,14}$/
const VISUAL_SEPARATORS = /[-.() /\u00a0\u2010-\u2015]/g

/**
 * The E.164 number, with its plus sign, that a text stands for: a SIP or tel URI, the user part of
 * one, or a number as people write it. Undefined for everything else, so for withheld callers
 * (`anonymous`, `Restricted`, `unavailable`), empty user parts and names. A number without plus sign
 * is national where `country` is given and such a number can exist there, else it is taken as E.164.
 * @param country ISO 3166 two-letter code, such as `US`; one that is not known counts as none
 * @see RFC 3966 §5.1.1 for visual separators; RFC 4694 for `;npdi;rn=`, which is ignored
 */
export function normaliseNumber(text: string, country?: string): string | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined
  const digits = readDigits(text)
  if (digits === undefined) return undefined
  if (digits.startsWith('+')) return e164Of(digits)
  return nationalNumber(digits, country) ?? internationalNumber(digits)
}

/** Whether this is E.164, plus sign included, of a length that its country uses. */
export function isPossibleNumber(text: string): boolean {
  // North America has one length only; asking the library about 10,000 of them takes half a second.
  if (text.startsWith('+1')) return text.length === 12 && E164.test(text)
  return E164.test(text) && (parsePhoneNumberFromString(text)?.isPossible() ?? false)
}

/** Whether numbers of this country (ISO 3166 two-letter code) can be read. */
export function isKnownCountry(country: string): country is CountryCode {
  return isSupportedCountry(country)
}

/** The ten digits of a North American number, as many lead buyers want it; empty for others. */
export function nanpNumber(e164: string): string {
  return /^\+1([2-9]\d{2}[2-9]\d{6})$/.exec(e164)?.[1] ?? ''
}

/** How a number is written for somebody else. */
export interface NumberStyle {
  /** `e164` has the plus sign, `e164_plain` has not; `national` numbers are dialled within `country`. */
  readonly format: 'e164' | 'e164_plain' | 'national'
  /** ISO 3166 code; what `national` means. */
  readonly country: string | undefined
  /** Stands before every number. */
  readonly prefix: string
}

/**
 * The user part of a SIP URI for an E.164 number. National is what is dialled inside the country, with its
 * trunk prefix where there is one; a number of another country keeps its plus sign.
 */
export function writeNumber(e164: string, { format, country, prefix }: NumberStyle): string {
  return escapeUser(prefix) + formatNumber(e164, format, country)
}

function formatNumber(
  e164: string,
  format: NumberStyle['format'],
  country: string | undefined,
): string {
  switch (format) {
    case 'e164':
      return e164
    case 'e164_plain':
      return e164.slice(1)
    case 'national':
      return writtenInside(e164, country) ?? e164
  }
}

function writtenInside(e164: string, country: string | undefined): string | undefined {
  if (country === undefined || !isKnownCountry(country)) return undefined
  const code = getCountryCallingCode(country)
  const number = parsePhoneNumberFromString(e164)
  return number?.countryCallingCode === code
    ? number.formatNational().replaceAll(/\D/g, '')
    : undefined
}

/** A tone that SIP does not allow in a user part. @see RFC 3261 §25.1, user-unreserved */
const escapeUser = (digits: string): string => digits.replaceAll('#', '%23')

/** What was dialled, without scheme, host, parameters and separators: digits, maybe after a plus. */
function readDigits(text: string): string | undefined {
  const address = text.trim().replace(/^(?:sips?|tel):/i, '')
  const [user = '', ...parameters] = address.replace(/@.*/s, '').split(';')
  const digits = decodeEscapes(user).replace(VISUAL_SEPARATORS, '')
  if (!/^\+?\d{3,}$/.test(digits)) return undefined
  const [context] = parameters.flatMap((each) => /^phone-context=(\+\d+)$/i.exec(each)?.[1] ?? [])
  return context !== undefined && !digits.startsWith('+') ? context + digits : digits
}

function decodeEscapes(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const e164Of = (text: string): string | undefined => (E164.test(text) ? text : undefined)

function nationalNumber(digits: string, country: string | undefined): string | undefined {
  if (country === undefined || !isKnownCountry(country)) return undefined
  const number = parsePhoneNumberFromString(digits, country)
  return number?.isPossible() ? e164Of(number.number) : undefined
}

/** No country code begins with 0: what stands before it is a prefix, 011 in North America, else 00. */
function internationalNumber(digits: string): string | undefined {
  return e164Of(`+${digits.replace(/^(?:011|00)/, '')}`)
}
