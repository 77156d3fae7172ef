import type { ConversionGroup, PostbackConversion, PostbackGroup } from './conversion-group.ts'
import { type Amount, type Fraction, parseDecimal, toAmount } from './money.ts'
import { applyPayoutModifier } from './payout-modifier.ts'
import { matchConversion, type Postback } from './postback.ts'
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

export type PostbackStatus =
  'converted' | 'pending' | 'adjusted' | 'duplicate' | 'ignored' | 'rejected' | 'too_late'

export type PostbackReason =
  | SettlementReason
  | 'call_in_progress'
  | 'no_trigger'
  | 'zero_revenue'
  | 'same_value'
  | 'same_txid'
  | 'nothing_to_reverse'
  | 'first_value_kept'
  | 'repeat_rejected'
  | 'decided_by_duration'
  | 'after_late_limit'

/** What a postback did, and the decision that follows from it if there is one. */
export interface PostbackOutcome {
  readonly status: PostbackStatus
  readonly reason: PostbackReason
  readonly decision: Decision | undefined
}

/** What must be known about the call besides its state. */
export interface SettlementFacts {
  /** Decimals of the currency's minor unit. */
  readonly digits: number
  /** Whether the same caller has converted in the same group inside the dedupe window. */
  readonly hasEarlierConversion: boolean
  /** Transaction ids of postbacks that led to a decision. */
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
  if (!highest) return notConverted('too_short', group)
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

/**
 * Decides what a postback does to a call. It counts whenever it arrives: the timeout only says how
 * long to wait for one. @see behaviour B9, B11, B12
 */
export function decidePostback(
  group: ConversionGroup | undefined,
  state: SettlementState,
  postback: Postback,
  facts: SettlementFacts,
): PostbackOutcome {
  switch (state.conversion) {
    case 'undecided':
      return outcome('pending', 'call_in_progress')
    case 'pending':
    case 'not_converted':
      if (!group) return outcome('ignored', 'no_conversion_group')
      if (group.kind === 'duration') return outcome('ignored', 'decided_by_duration')
      return decideFirst(group, state, postback, facts)
    case 'converted':
      if (group?.kind !== 'postback') return outcome('ignored', 'decided_by_duration')
      return decideRepeat(group, state, postback, facts)
  }
}

function decideFirst(
  group: PostbackGroup,
  state: SettlementState,
  postback: Postback,
  facts: SettlementFacts,
): PostbackOutcome {
  const undecided = state.conversion === 'pending' ? 'pending' : 'ignored'
  if (state.duplicate) return outcome('duplicate', 'duplicate_caller')
  if (postback.reversed) return outcome(undecided, 'nothing_to_reverse')
  const conversion = matchConversion(group.conversions, postback)
  if (!conversion) {
    const isZero = postback.revenue?.numerator === 0n
    return outcome(undecided, isZero ? 'zero_revenue' : 'no_trigger')
  }
  if (facts.isAfterLateLimit && state.conversion === 'not_converted') {
    return outcome('too_late', 'after_late_limit')
  }
  if (facts.hasEarlierConversion) {
    const decision = notConverted('duplicate_caller', group)
    return outcome('duplicate', 'duplicate_caller', undecided === 'pending' ? decision : undefined)
  }
  const first = converted(group, amountsOf(conversion, postback, facts.digits))
  const decision: Decision = state.conversion === 'pending' ? first : asLate(first)
  return outcome('converted', decision.reason, decision)
}

/** After a timeout only the conversion itself is announced; `finished` has been. @see behaviour B11 */
const asLate = (decision: Decision): Decision => ({
  ...decision,
  kind: 'late_conversion',
  late: true,
  triggers: ['converted'],
})

function decideRepeat(
  group: PostbackGroup,
  state: SettlementState,
  postback: Postback,
  facts: SettlementFacts,
): PostbackOutcome {
  if (postback.txid !== undefined && facts.appliedTxids.includes(postback.txid)) {
    return outcome('duplicate', 'same_txid')
  }
  const amounts = correctedAmounts(group, state, postback, facts.digits)
  if (!amounts) return outcome('ignored', 'no_trigger')
  if (amounts.basis === state.basis) return outcome('duplicate', 'same_value')
  const policy = group.conversions.find(({ name }) => name === state.conversionName)?.onRepeat
  switch (policy) {
    case 'first':
      return outcome('ignored', 'first_value_kept')
    case 'reject':
      return outcome('rejected', 'repeat_rejected')
    case 'adjust':
    case undefined:
      return outcome('adjusted', amounts.reason, {
        ...converted(group, amounts),
        kind: 'adjustment',
        late: state.late,
        triggers: ['adjusted'],
      })
  }
}

interface Amounts {
  readonly name: string
  readonly reason: SettlementReason
  readonly basis: string
  readonly revenue: Amount
  readonly payout: Amount
  readonly payoutClamped?: boolean
  readonly postbackValue?: string | undefined
  readonly steps: readonly string[]
}

/** The amounts that a value after conversion stands for. @see behaviour B12 */
function correctedAmounts(
  group: PostbackGroup,
  state: SettlementState,
  postback: Postback,
  digits: number,
): Amounts | undefined {
  const isZero = postback.revenue?.numerator === 0n
  if (postback.reversed || isZero) {
    const zero = toAmount({ numerator: 0n, denominator: 1n }, digits)
    const why = postback.reversed ? 'reversed=true was posted' : 'revenue 0 was posted'
    return {
      name: state.conversionName ?? '',
      reason: 'reversed',
      basis: 'reversal',
      revenue: zero,
      payout: zero,
      postbackValue: postback.revenueText,
      steps: [why],
    }
  }
  const conversion = matchConversion(group.conversions, postback)
  return conversion && { ...amountsOf(conversion, postback, digits), reason: 'corrected' }
}

function amountsOf(conversion: PostbackConversion, postback: Postback, digits: number): Amounts {
  const { name } = conversion
  switch (conversion.kind) {
    case 'trigger':
      return {
        name,
        reason: 'trigger',
        basis: `trigger:${name}`,
        ...fixedAmounts(conversion, digits),
        postbackValue: postback.revenueText,
        steps: [`found ${JSON.stringify(conversion.trigger)} in the postback`],
      }
    case 'posted': {
      const posted = postback.revenue ?? { numerator: 0n, denominator: 1n }
      const revenue = toAmount(posted, digits)
      const { payout, clamped, steps } = applyPayoutModifier(
        conversion.payoutModifier,
        posted,
        digits,
      )
      return {
        name,
        reason: 'posted_revenue',
        basis: `posted:${name}:${canonical(posted)}`,
        revenue,
        payout,
        payoutClamped: clamped,
        postbackValue: postback.revenueText,
        steps: [`revenue ${postback.revenueText ?? '0'} posted, settled as ${revenue}`, ...steps],
      }
    }
  }
}

function fixedAmounts(
  { revenue, payout }: { readonly revenue: Amount; readonly payout: Amount },
  digits: number,
): { readonly revenue: Amount; readonly payout: Amount } {
  const exact = (amount: Amount): Fraction =>
    parseDecimal(amount) ?? { numerator: 0n, denominator: 1n }
  return { revenue: toAmount(exact(revenue), digits), payout: toAmount(exact(payout), digits) }
}

/** `10.0` and `10.00` are the same value. */
const canonical = (value: Fraction): string => toAmount(value, 6)

function converted(group: ConversionGroup, amounts: Amounts): Decision {
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

function notConverted(reason: SettlementReason, group: ConversionGroup | undefined): Decision {
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
    steps: [],
    triggers: ['not_converted', 'finished'],
  }
}

const outcome = (
  status: PostbackStatus,
  reason: PostbackReason,
  decision?: Decision,
): PostbackOutcome => ({ status, reason, decision })
