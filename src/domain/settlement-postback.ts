import type { ConversionGroup, PostbackGroup } from './conversion-group.ts'
import { matchConversion, type Postback } from './postback.ts'
import { findMistake } from './postback-mistakes.ts'
import {
  converted,
  type Decision,
  hasConverted,
  notConverted,
  type SettlementFacts,
  type SettlementReason,
  type SettlementState,
} from './settlement.ts'
import { type Amounts, amountsOf, areStorable, reversalOf } from './settlement-amounts.ts'

/** What a postback has done, as its sender is told. @see behaviour B16 */
export type PostbackStatus =
  | 'converted'
  | 'pending'
  | 'adjusted'
  | 'duplicate'
  | 'ignored'
  | 'rejected'
  | 'too_late'
  | 'refused'

/** Why a postback has done what it has: a closed list. */
export type PostbackReason =
  | SettlementReason
  | 'call_in_progress'
  | 'no_trigger'
  | 'wrong_separator'
  | 'zero_revenue'
  | 'amount_too_large'
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

/**
 * Whether the postback's transaction id is known from now on: it was applied, or is a repeat of what was.
 * @see behaviour B12
 */
export function isApplied({ status, decision }: PostbackOutcome): boolean {
  return decision !== undefined || status === 'duplicate'
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
      if (!hasConverted(state)) return decideWithdrawn(group, state, postback, facts)
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
  if (!conversion) return outcome(undecided, whyNotMatched(postback))
  if (facts.isAfterLateLimit && state.conversion === 'not_converted') {
    return outcome('too_late', 'after_late_limit')
  }
  const amounts = amountsOf(conversion, postback, facts.digits)
  if (!areStorable(amounts)) return outcome('refused', 'amount_too_large')
  if (facts.hasEarlierConversion) {
    const decision = notConverted('duplicate_caller', group)
    return outcome('duplicate', 'duplicate_caller', undecided === 'pending' ? decision : undefined)
  }
  const first = converted(group, amounts)
  const decision: Decision = state.conversion === 'pending' ? first : asLate(first)
  return outcome('converted', decision.reason, decision)
}

/** As a late postback is, but `converted` has been said of the call before. */
function decideWithdrawn(
  group: PostbackGroup,
  state: SettlementState,
  postback: Postback,
  facts: SettlementFacts,
): PostbackOutcome {
  const before: SettlementState = { ...state, conversion: 'not_converted', duplicate: false }
  const late = decideFirst(group, before, postback, facts)
  if (!late.decision) return late
  return outcome('adjusted', 'corrected', {
    ...late.decision,
    kind: 'adjustment',
    reason: 'corrected',
    late: state.late,
    triggers: ['adjusted'],
  })
}

function whyNotMatched(postback: Postback): PostbackReason {
  if (postback.revenue?.numerator === 0n) return 'zero_revenue'
  return findMistake(postback.text) ?? 'no_trigger'
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
  if (!amounts) return outcome('ignored', findMistake(postback.text) ?? 'no_trigger')
  if (amounts.basis === state.basis) return outcome('duplicate', 'same_value')
  if (!areStorable(amounts)) return outcome('refused', 'amount_too_large')
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

/**
 * The amounts that a value after conversion stands for. Zero takes a conversion back, unless the same
 * postback is what has converted: a URL with `sale=true&revenue=0` in it may be posted twice.
 * @see behaviour B12
 */
function correctedAmounts(
  group: PostbackGroup,
  state: SettlementState,
  postback: Postback,
  digits: number,
): Amounts | undefined {
  const reversal = () => reversalOf(state.conversionName ?? '', postback, digits)
  if (postback.reversed) return reversal()
  const conversion = matchConversion(group.conversions, postback)
  const isZero = postback.revenue?.numerator === 0n
  if (!conversion) return isZero ? reversal() : undefined
  const amounts = amountsOf(conversion, postback, digits)
  const isReversal = isZero && conversion.kind === 'posted' && amounts.basis !== state.basis
  return isReversal ? reversal() : { ...amounts, reason: 'corrected' }
}

const outcome = (
  status: PostbackStatus,
  reason: PostbackReason,
  decision?: Decision,
): PostbackOutcome => ({ status, reason, decision })
