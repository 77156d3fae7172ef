import { toAmount } from './money.ts'
import type { Rehearsed } from './rehearse.ts'
import {
  type Decision,
  type SettlementReason,
  type SettlementState,
  WITHDRAWN,
} from './settlement.ts'

const ZERO = { numerator: 0n, denominator: 1n }

/**
 * What settling a call anew adds to its ledger; undefined where it adds nothing. What has been decided stays
 * decided: a conversion that the new rules would not make is withdrawn, which makes it worth nothing, and a call
 * that they would convert converts late.
 * @param note the first line of the entry's steps: which replay it is and why
 * @param digits decimals of the currency's minor unit
 */
export function decideReplay(
  state: SettlementState,
  { conversion, decision: would }: Pick<Rehearsed, 'conversion' | 'decision'>,
  note: string,
  digits: number,
): Decision | undefined {
  if (conversion === 'pending' || !would) return undefined
  const steps = [note, ...would.steps]
  if (state.conversion === 'not_converted') {
    if (conversion === 'not_converted' || would.reason === 'reversed') return undefined
    const reason = firstReason(would)
    return { ...would, kind: 'late_conversion', reason, late: true, steps, triggers: ['converted'] }
  }
  if (state.conversion !== 'converted') return undefined
  const adjusted = { kind: 'adjustment', late: state.late, triggers: ['adjusted'] } as const
  if (conversion === 'converted') {
    const reason = would.reason === 'reversed' ? 'reversed' : 'corrected'
    return { ...would, ...adjusted, reason, steps }
  }
  if (state.basis === WITHDRAWN || state.basis === 'reversal') return undefined
  const zero = toAmount(ZERO, digits)
  return {
    ...would,
    ...adjusted,
    conversion: 'converted',
    reason: 'reversed',
    conversionName: state.conversionName,
    basis: WITHDRAWN,
    revenue: zero,
    payout: zero,
    duplicate: false,
    steps: [note, `not converted under these rules: ${would.reason}`, ...would.steps],
  }
}

/** What a value would have been had it been the first. */
function firstReason({ reason, basis = '' }: Decision): SettlementReason {
  if (reason !== 'corrected') return reason
  return basis.startsWith('trigger:') ? 'trigger' : 'posted_revenue'
}
