import type { Amount } from './money.ts'
import type { PayoutModifier } from './payout-modifier.ts'
import { type Filters, matchesFilters } from './tracking-url.ts'

/** What happens when a converted call gets another value. @see behaviour B12 */
export type RepeatPolicy = 'adjust' | 'first' | 'reject'

/** Converts with the revenue that the buyer posts. @see behaviour B4 */
export interface PostedConversion {
  readonly kind: 'posted'
  readonly name: string
  readonly payoutModifier: PayoutModifier
  readonly zeroConverts: boolean
  readonly onRepeat: RepeatPolicy
}

/** Converts with fixed amounts when the postback holds a string. @see behaviour B6 */
export interface TriggerConversion {
  readonly kind: 'trigger'
  readonly name: string
  readonly trigger: string
  /** `substring` finds `sale=true` in `resale=true`; `parameter` wants the whole `name=value`. */
  readonly match: 'substring' | 'parameter'
  readonly revenue: Amount
  readonly payout: Amount
  readonly onRepeat: RepeatPolicy
}

export type PostbackConversion = PostedConversion | TriggerConversion

/** Converts with fixed amounts when the buyer and the caller were connected long enough. */
export interface DurationConversion {
  readonly name: string
  readonly connectedSecondsMin: number
  readonly revenue: Amount
  readonly payout: Amount
}

interface GroupBase {
  readonly groupId: string
  readonly filters: Filters
  /** A caller's second conversion within this time earns nothing; 0 is off. */
  readonly dedupeSeconds: number
}

export interface PostbackGroup extends GroupBase {
  readonly kind: 'postback'
  readonly postbackTimeoutSeconds: number
  /** How long after the timeout a postback still converts; undefined is for ever. @see behaviour B11 */
  readonly lateLimitSeconds: number | undefined
  readonly conversions: readonly PostbackConversion[]
}

export interface DurationGroup extends GroupBase {
  readonly kind: 'duration'
  readonly conversions: readonly DurationConversion[]
}

/** An ordered rule of a campaign. @see behaviour B13 */
export type ConversionGroup = PostbackGroup | DurationGroup

/**
 * The group that decides a call: the first whose filters match, even when its criteria then fail.
 * @see behaviour B13
 */
export function chooseConversionGroup(
  groups: readonly ConversionGroup[],
  call: Parameters<typeof matchesFilters>[1],
): ConversionGroup | undefined {
  return groups.find((group) => matchesFilters(group.filters, call))
}
