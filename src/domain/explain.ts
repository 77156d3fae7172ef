import type { ConversionGroup } from './conversion-group.ts'
import type { LeftOutBuyers } from './left-out.ts'
import type { Amount } from './money.ts'
import { decodePairs, type MalformedReason, type PostbackText } from './postback.ts'
import type { ConversionState, SettlementReason } from './settlement.ts'
import type { PostbackReason } from './settlement-postback.ts'

/** Why a request to `set_value` was turned away before it was looked at. */
export type RefusalReason =
  | 'prefetch'
  | 'leg_not_bridged'
  | 'wrong_key'
  | 'unsupported_media_type'
  | 'malformed_json'
  | 'body_not_flat'
  | 'body_not_text'

/** Every reason that the log of postbacks holds: a closed list, with a section each in `docs/reasons.md`. */
export type LoggedReason = PostbackReason | MalformedReason | RefusalReason

/** What each reason says of a postback: ends the sentence "one arrived at 12:14:07Z …". */
export const POSTBACK_IN_WORDS: Readonly<Record<LoggedReason, string>> = {
  posted_revenue: 'with a revenue that converted the call',
  trigger: 'with a trigger that converted the call',
  duration: 'for a call that its duration decides',
  corrected: 'with another value',
  reversed: 'that took the conversion back',
  not_connected: 'for a call that no buyer answered',
  no_conversion_group: 'for a call that no conversion group applies to',
  too_short: 'for a call that was too short',
  no_postback: 'after the timeout',
  duplicate_caller: 'for a caller who had converted before',
  call_in_progress: 'during the call',
  no_trigger: 'with neither revenue nor trigger',
  wrong_separator: 'with a parameter behind a separator other than &',
  zero_revenue: 'with revenue 0',
  amount_too_large: 'with an amount that is too large',
  same_value: 'with the same value again',
  same_txid: 'with the same txid again',
  nothing_to_reverse: 'with reversed=true and nothing to reverse',
  first_value_kept: 'with another value, of which the first is kept',
  repeat_rejected: 'with another value, which was rejected',
  decided_by_duration: 'for a call that its duration decides',
  after_late_limit: 'after the limit for late conversions',
  bad_percent_encoding: 'with broken percent-encoding',
  empty_revenue: 'with an empty revenue',
  unreplaced_macro: 'with unreplaced macro',
  wrong_decimal_separator: 'with a decimal separator other than a point',
  revenue_not_a_number: 'with a revenue that is no plain number',
  two_revenue_values: 'with two different revenues',
  txid_too_long: 'with a txid that is too long',
  txid_not_text: 'with a txid that is no text',
  prefetch: 'that was a prefetch',
  leg_not_bridged: 'with the key of a buyer that did not get the call',
  wrong_key: 'with a wrong key',
  unsupported_media_type: 'with a body of a type that is not read',
  malformed_json: 'with malformed JSON',
  body_not_flat: 'with a JSON body that is not flat',
  body_not_text: 'with a body that is no text',
}

/** Why a call was settled as it was, for people. @see behaviour B15 */
export const SETTLED_IN_WORDS: Readonly<Record<SettlementReason, string>> = {
  posted_revenue: 'The buyer posted back what the call was worth.',
  trigger: 'The buyer posted back a conversion trigger.',
  duration: 'Caller and buyer were connected long enough.',
  corrected: 'The buyer posted back another value.',
  reversed: 'The buyer took the conversion back.',
  not_connected: 'No buyer answered the call.',
  no_conversion_group: 'No conversion group of the campaign applies to this call.',
  too_short: 'Caller and buyer were not connected long enough.',
  no_postback: 'No postback that converts came before the postback timeout.',
  duplicate_caller: 'The same caller has converted before, inside the dedupe time.',
}

/** Whose value is worth showing. */
const SHOWS_REVENUE = new Set<string>([
  'unreplaced_macro',
  'wrong_decimal_separator',
  'revenue_not_a_number',
  'amount_too_large',
  'two_revenue_values',
])

/** A request of the postback log. */
export interface LoggedPostback extends PostbackText {
  readonly receivedAt: Date
  readonly status: string
  readonly reason: string
}

/** What is known of a call when somebody asks why. */
export interface Explained {
  readonly conversion: ConversionState
  readonly reason: SettlementReason | undefined
  readonly campaignId: string
  readonly connectedSeconds: number | undefined
  readonly settleAt: Date | undefined
  readonly settledAt: Date | undefined
  readonly revenue: Amount | undefined
  readonly payout: Amount | undefined
  readonly late: boolean
  readonly conversionName: string | undefined
  /** The group that decided. */
  readonly group: ConversionGroup | undefined
  /** The buyers that the call was not offered to. */
  readonly leftOut: readonly LeftOutBuyers[]
  /** In the order in which they came. */
  readonly postbacks: readonly LoggedPostback[]
}

/** The decision about a call in one sentence, with what stood in its way. @see behaviour B15 */
export function explainCall(call: Explained): string {
  switch (call.conversion) {
    case 'undecided':
      return `not decided: the call is in progress${lastUseless(call)}`
    case 'pending':
      return `not decided: waits for a postback until ${timeOf(call.settleAt)}${lastUseless(call)}`
    case 'converted':
      return `${call.late ? 'converted late' : 'converted'}: ${explainConverted(call)}`
    case 'not_converted':
      return `not converted: ${explainNotConverted(call)}`
  }
}

function explainConverted(call: Explained): string {
  const { reason, revenue = '', payout = '', conversionName = '' } = call
  const amounts = `revenue ${revenue}, payout ${payout}`
  switch (reason) {
    case 'duration':
      return `${call.connectedSeconds ?? 0} s connected reach "${conversionName}": ${amounts}`
    case 'trigger':
      return `trigger of "${conversionName}" was posted: ${amounts}`
    case 'corrected':
      return `the value was corrected: ${amounts}`
    case 'reversed':
      return `and taken back: ${amounts}`
    case 'posted_revenue':
    case 'not_connected':
    case 'no_conversion_group':
    case 'too_short':
    case 'no_postback':
    case 'duplicate_caller':
    case undefined:
      return `a revenue was posted: ${amounts}`
  }
}

function explainNotConverted(call: Explained): string {
  const { reason, group, campaignId } = call
  switch (reason) {
    case 'not_connected':
      return `no buyer answered${explainLeftOut(call)}`
    case 'no_conversion_group':
      return `no conversion group of campaign ${campaignId} applies to this call`
    case 'too_short':
      return explainTooShort(call)
    case 'duplicate_caller':
      return `the same caller has converted in group ${group?.groupId ?? ''} within the ${group?.dedupeSeconds ?? 0} s before`
    case 'no_postback':
    case 'posted_revenue':
    case 'trigger':
    case 'duration':
    case 'corrected':
    case 'reversed':
    case undefined:
      return `no postback before ${timeOf(call.settleAt ?? call.settledAt)}${lastUseless(call)}`
  }
}

const NAMED_MAX = 3

/** Who was left out and why; many of them only by their number. */
function explainLeftOut({ leftOut }: Explained): string {
  if (leftOut.length === 0) return ''
  const groups = leftOut.map(({ reason, buyers, count }) => {
    const who = count > NAMED_MAX ? `${count} buyers` : buyers.join(', ')
    return `${who} (${reason})`
  })
  return `; left out: ${groups.join(', ')}`
}

function explainTooShort({ group, connectedSeconds = 0 }: Explained): string {
  const thresholds = group?.kind === 'duration' ? group.conversions : []
  const lowest = Math.min(...thresholds.map(({ connectedSecondsMin }) => connectedSecondsMin))
  if (!Number.isFinite(lowest)) return `${connectedSeconds} s are too short`
  return `${lowest - connectedSeconds} s short of ${lowest} s`
}

/** The last postback that did not do what its sender meant, if there was one. */
function lastUseless({ postbacks }: Explained): string {
  const useless = postbacks.filter(({ reason }) => reason !== 'call_in_progress')
  const last = useless.at(-1)
  if (!last) return ''
  const more = useless.length === 1 ? 'one' : `the last of ${useless.length}`
  return `; ${more} arrived at ${timeOf(last.receivedAt)} ${explainPostback(last)}`
}

/** What a postback said and why it did what it did; ends the sentence "one arrived at …". */
export function explainPostback(postback: LoggedPostback): string {
  const { reason } = postback
  const words = isLoggedReason(reason) ? POSTBACK_IN_WORDS[reason] : `that was ${postback.status}`
  const revenue = SHOWS_REVENUE.has(reason) ? revenueOf(postback) : undefined
  return revenue === undefined ? words : `${words} ${revenue}`
}

const isLoggedReason = (reason: string): reason is LoggedReason =>
  Object.hasOwn(POSTBACK_IN_WORDS, reason)

const SHOWN_MAX = 64

/** The value as it was posted; decoded where it can be. */
function revenueOf({ query, body }: PostbackText): string | undefined {
  const values = [query, body].flatMap((text) =>
    (decodePairs(text) ?? rawPairs(text)).flatMap(([name, value]) =>
      name === 'revenue' ? [value] : [],
    ),
  )
  return values.length === 0 ? undefined : values.join(' and ').slice(0, SHOWN_MAX)
}

const rawPairs = (text: string): readonly (readonly [string, string])[] =>
  text.split('&').map((pair) => {
    const [name = '', ...value] = pair.split('=')
    return [name, value.join('=')]
  })

/** To the second, and with the day: people compare it with their own logs. */
const timeOf = (instant: Date | undefined): string =>
  instant ? `${instant.toISOString().slice(0, 19)}Z` : 'its end'
