import { z } from 'zod'
import { isTimeZone, parseOpeningHours } from './configuration-hours.ts'
import { isAddressOrRange } from './configuration-network.ts'
import {
  checkEndpoint,
  checkGateway,
  checkHeaderName,
  checkHeaderValue,
  checkPassedHeaderName,
  normaliseEndpoint,
} from './configuration-sip.ts'
import { parseRevenue } from './money.ts'
import { isKnownCountry, isPossibleNumber, normaliseNumber } from './number.ts'
import { parsePayoutModifier } from './payout-modifier.ts'
import { isTriggerAlwaysPresent } from './postback.ts'
import { isTagName, parseTemplate } from './tokens.ts'
import { parseUrlTemplate } from './tracking-url.ts'
import { parseWebhookSecret } from './webhook.ts'

/**
 * Text without control characters, and whatever else `check` asks for: it gives a verb phrase that
 * says what is wrong and what to do, or undefined. `missing` says the same where there is no text.
 */
function text(check: (text: string) => string | undefined, missing?: string) {
  const error = (issue: { readonly input?: unknown }) =>
    issue.input === undefined ? missing : undefined
  return z.string({ error }).check((context) => {
    const message = checkCharacters(context.value) ?? check(context.value)
    if (message !== undefined) {
      context.issues.push({ code: 'custom', message, input: context.value })
    }
  })
}

const TEXT_LENGTH_MAX = 2_000

/** PostgreSQL stores neither NUL nor half a surrogate pair; no name or header may hold a line end. */
function checkCharacters(value: string): string | undefined {
  if (value.length > TEXT_LENGTH_MAX)
    return `is longer than ${TEXT_LENGTH_MAX} characters: shorten it`
  if (/\p{Cc}/u.test(value)) return 'holds a control character: remove it'
  return value.isWellFormed() ? undefined : 'holds half a character: write it again'
}

const isOr = (isRight: boolean, message: string): string | undefined =>
  isRight ? undefined : message

const NAME_LENGTH_MAX = 200
const CREDENTIAL_LENGTH_MAX = 128
const TRIGGER_LENGTH_MAX = 256
const TAG_LENGTH_MAX = 256

/** The id of a publisher, buyer, trunk, campaign, tracking URL or conversion group. */
export const id = text((value) =>
  isOr(
    /^[a-z0-9][a-z0-9-]{0,62}$/.test(value),
    'is not an id: write 1 to 63 small letters, digits and hyphens, not beginning with a hyphen',
  ),
)

/** What people call something. */
export const name = text((value) =>
  isOr(
    value.trim() !== '' && value.length <= NAME_LENGTH_MAX,
    `must hold 1 to ${NAME_LENGTH_MAX} characters`,
  ),
)

/** A user name or password, or a publisher's own id for a number. */
export const credential = text((value) =>
  isOr(
    value !== '' && value.length <= CREDENTIAL_LENGTH_MAX,
    `must hold 1 to ${CREDENTIAL_LENGTH_MAX} characters`,
  ),
)

/** A whole number within a range, both ends included. */
export const whole = (min: number, max: number) => z.int().min(min).max(max)

const RATE_MIN = 0.001

/** How often in a second; below 1 it is once in several. */
export const rate = (max: number) => z.number().min(RATE_MIN).max(max)

const PING_SECONDS_MIN = 10
const PING_SECONDS_MAX = 600

/** How often an endpoint is asked whether it is there; 0 is never. */
export const pingSeconds = whole(0, PING_SECONDS_MAX).check((context) => {
  if (context.value === 0 || context.value >= PING_SECONDS_MIN) return
  const message = `is too small: write ${PING_SECONDS_MIN} or more, or 0 for never`
  context.issues.push({ code: 'custom', message, input: context.value })
})

/** An E.164 number; separators are left out. */
export const phoneNumber = text((value) =>
  isOr(
    value.startsWith('+') && isPossibleNumber(normaliseNumber(value) ?? ''),
    'is not a phone number: write it with plus sign and country code, as in +18005550100',
  ),
).overwrite((value) => normaliseNumber(value) ?? value)

/** How E.164 numbers begin. */
export const phonePrefix = text((value) =>
  isOr(
    /^\+[1-9]\d{0,14}$/.test(value),
    'is not the beginning of a number: write plus sign and digits, as in +1212',
  ),
)

/** Digits that stand before every number of a trunk. */
export const digits = text((value) =>
  isOr(/^[\d*#+]{1,15}$/.test(value), 'must hold 1 to 15 digits'),
)

/** Where a buyer is reached. */
export const endpoint = text(checkEndpoint).overwrite(normaliseEndpoint)

/** Where a carrier is reached. */
export const gateway = text(checkGateway)

/** An address or CIDR range that may send us calls. */
export const addressOrRange = text((value) =>
  isOr(
    isAddressOrRange(value),
    'is not an address or CIDR range: write 203.0.113.7 or 203.0.113.0/24',
  ),
)

/** ISO 3166 two-letter code of a country whose numbers can be read. */
export const country = text((value) =>
  isOr(isKnownCountry(value), 'is not a country: write its two-letter code, as in US'),
)

/** IANA time zone. */
export const timeZone = text((value) =>
  isOr(isTimeZone(value), 'is not a time zone: write its IANA name, as in America/New_York'),
)

/** Days and hours of a week. */
export const openingHours = text((value) =>
  isOr(
    parseOpeningHours(value) !== undefined,
    'is not a time of the week: write days and hours, as in mon-fri 09:00-17:30',
  ),
)

/** The name of a further header of the INVITE. @see behaviour B1 */
export const headerName = text(checkHeaderName)

/** The name of a header of the caller that is passed on. */
export const passedHeaderName = text(checkPassedHeaderName)

/** The value of a further header of the INVITE; may hold tokens. @see behaviour B3 */
export const headerValue = text((value) => checkHeaderValue(value) ?? checkTemplate(value))

function checkTemplate(value: string): string | undefined {
  const parsed = parseTemplate(value)
  return parsed.kind === 'malformed'
    ? `has ${parsed.problem} at position ${parsed.position}: write [name] or [name]{default}`
    : undefined
}

/** The URL of a tracking URL; may hold tokens after its host. @see behaviour B3 */
export const trackingUrlTemplate = text((value) => {
  const parsed = parseUrlTemplate(value)
  return parsed.kind === 'malformed' ? `is not a tracking URL: ${parsed.problem}` : undefined
})

/** A secret that signs requests. @see Standard Webhooks */
export const webhookSecret = text((value) =>
  isOr(
    parseWebhookSecret(value) !== undefined,
    'is not a secret: write whsec_ and 24 to 64 random bytes in base64, as from openssl rand -base64 32',
  ),
)

/** The name of a tag. */
export const tagName = text((value) =>
  isOr(isTagName(value), 'is not a tag: write up to 64 letters, digits, points and hyphens'),
)

/** The value that a tag must have. */
export const tagValue = text((value) =>
  isOr(value.length <= TAG_LENGTH_MAX, `is longer than ${TAG_LENGTH_MAX} characters: shorten it`),
)

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

/** Whether this is the ISO 4217 code of a currency. */
export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code)
}

/** ISO 4217 code. */
export const currency = text((value) =>
  isOr(isCurrency(value), 'is not a currency: write its three-letter code, as in USD'),
)

/** An amount as decimal text. @see behaviour B4 */
export const amount = text((value) =>
  isOr(
    parseRevenue(value) !== undefined,
    'is not an amount: write digits and at most six decimals, as in "25.00"',
  ),
)

/** Arithmetic from revenue to payout; blank is none. @see behaviour B5 */
export const payoutModifier = text((value) => {
  const parsed = parsePayoutModifier(value)
  return parsed.kind === 'malformed'
    ? `is not a payout modifier: ${parsed.problem}, at position ${parsed.position}`
    : undefined
}).overwrite((value) => value.trim())

/** The string that a postback has to hold. @see behaviour B6 */
export const trigger = text((value) => {
  if (value.length > TRIGGER_LENGTH_MAX) {
    return `is longer than ${TRIGGER_LENGTH_MAX} characters: shorten it`
  }
  return isTriggerAlwaysPresent(value)
    ? 'stands in every postback, so it would decide nothing: write one such as sale=true'
    : undefined
}, 'is missing: write the string to look for, or write value: posted to take the posted revenue')
