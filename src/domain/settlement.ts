import type { ConversionGroup } from './conversion-group.ts'
import type { Amount } from './money.ts'
import { type Amounts, fixedAmounts } from './settlement-amounts.ts'
import type { Trigger } from './tracking-url.ts'

export type ConversionState = 'undecided' | 'pending' | 'converted' | 'not_converted'

/** Why a call was settled as it was: a closed list. */
export type SettlementReason =
  | 'posted_revenue'
  | 'trigger'
  | 'duration'
  | 'corrected'
  | 'reversed'
  | 'not_connected'
  | 'no_conversion_group'
  | 'too_short'
  | 'no_postback'
  | 'duplicate_caller'

/** How a call stands with its money. Amounts are absent until it has converted. */
export interface SettlementState {
  /** Number of decisions so far. */
  readonly revision: number
  readonly conversion: ConversionState
  readonly conversionName: string | undefined
  /** Names the value that the amounts come from, for telling a repeat from a correction. */
  readonly basis: string | undefined
  /** Whether it converted after it had been settled as not converted. */
  readonly late: boolean
  readonly duplicate: boolean
}

/**
 * The basis of a conversion that the right rules would not have made, and that a replay has taken back: the
 * call counts as one that has not converted, for its caller's other calls and for what is posted next.
 */
export const WITHDRAWN = 'withdrawn'

/** Whether a call has converted and the conversion stands, be it reversed by its buyer. @see behaviour B12 */
export const hasConverted = ({
  conversion,
  basis,
}: Pick<SettlementState, 'conversion' | 'basis'>): boolean =>
  conversion === 'converted' && basis !== WITHDRAWN

export const NOTHING_DECIDED: SettlementState = {
  revision: 0,
  conversion: 'undecided',
  conversionName: undefined,
  basis: undefined,
  late: false,
  duplicate: false,
}

/** One entry of the ledger: what was decided, on what grounds, and what is fired because of it. */
export interface Decision {
  readonly kind: 'settlement' | 'late_conversion' | 'adjustment'
  readonly conversion: 'converted' | 'not_converted'
  readonly reason: SettlementReason
  readonly groupId: string | undefined
  readonly conversionName: string | undefined
  readonly basis: string | undefined
  readonly revenue: Amount | undefined
  readonly payout: Amount | undefined
  readonly payoutClamped: boolean
  /** The value exactly as the buyer posted it. */
  readonly postbackValue: string | undefined
  readonly late: boolean
  readonly duplicate: boolean
  /** The arithmetic, a line a step. */
  readonly steps: readonly string[]
  readonly triggers: readonly Trigger[]
}

/** What must be known about the call besides its state. */
export interface SettlementFacts {
  /** Decimals of the currency's minor unit. */
  readonly digits: number
  /** Whether the same caller has converted in the same group inside the dedupe window. */
  readonly hasEarlierConversion: boolean
  /** Transaction ids of postbacks that led to a decision, or were repeats of such. */
  readonly appliedTxids: readonly string[]
  /** Whether the limit for late conversions has passed. */
  readonly isAfterLateLimit: boolean
}

/** The state after a decision. */
export function applyDecision(state: SettlementState, decision: Decision): SettlementState {
  return {
    revision: state.revision + 1,
    conversion: decision.conversion,
    conversionName: decision.conversionName,
    basis: decision.basis,
    late: decision.late,
    duplicate: decision.duplicate,
  }
}

/**
 * Decides an ended call as far as its end decides it; `pending` when only a postback or its absence
 * can. @see behaviour B8, B13
 */
export function decideAtHangup(
  group: ConversionGroup | undefined,
  connectedSeconds: number | undefined,
  facts: SettlementFacts,
): Decision | 'pending' {
  if (connectedSeconds === undefined) return notConverted('not_connected', group)
  if (!group) return notConverted('no_conversion_group', undefined)
  if (group.kind === 'postback') return 'pending'
  const highest = group.conversions
    .filter((conversion) => connectedSeconds >= conversion.connectedSecondsMin)
    .toSorted((a, b) => b.connectedSecondsMin - a.connectedSecondsMin)[0]
  if (!highest) {
    const lowest = Math.min(...group.conversions.map((each) => each.connectedSecondsMin))
    const missing = `${lowest - connectedSeconds} s short of ${lowest} s`
    return notConverted('too_short', group, [`${connectedSeconds} s connected, ${missing}`])
  }
  if (facts.hasEarlierConversion) return notConverted('duplicate_caller', group)
  return converted(group, {
    name: highest.name,
    reason: 'duration',
    basis: `duration:${highest.name}`,
    ...fixedAmounts(highest, facts.digits),
    steps: [`${connectedSeconds} s connected, at least ${highest.connectedSecondsMin} s needed`],
  })
}

/** Decides a pending call for which no qualifying postback came in time. @see behaviour B10 */
export function decideAtTimeout(group: ConversionGroup | undefined): Decision {
  return notConverted('no_postback', group)
}

/** A first conversion; late ones and corrections are made from it. */
export function converted(group: ConversionGroup, amounts: Amounts): Decision {
  return {
    kind: 'settlement',
    conversion: 'converted',
    reason: amounts.reason,
    groupId: group.groupId,
    conversionName: amounts.name,
    basis: amounts.basis,
    revenue: amounts.revenue,
    payout: amounts.payout,
    payoutClamped: amounts.payoutClamped ?? false,
    postbackValue: amounts.postbackValue,
    late: false,
    duplicate: false,
    steps: amounts.steps,
    triggers: ['converted', 'finished'],
  }
}

/** A decision that a call has not converted. */
export function notConverted(
  reason: SettlementReason,
  group: ConversionGroup | undefined,
  steps: readonly string[] = [],
): Decision {
  return {
    kind: 'settlement',
    conversion: 'not_converted',
    reason,
    groupId: group?.groupId,
    conversionName: undefined,
    basis: undefined,
    revenue: undefined,
    payout: undefined,
    payoutClamped: false,
    postbackValue: undefined,
    late: false,
    duplicate: reason === 'duplicate_caller',
    steps,
    triggers: ['not_converted', 'finished'],
  }
}
