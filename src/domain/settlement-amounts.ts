import type { PostbackConversion } from './conversion-group.ts'
import { type Amount, type Fraction, isStorable, parseDecimal, toAmount } from './money.ts'
import { applyPayoutModifier } from './payout-modifier.ts'
import type { Postback } from './postback.ts'
import type { SettlementReason } from './settlement.ts'

/** What a conversion is worth, and how that came about. */
export interface Amounts {
  readonly name: string
  readonly reason: SettlementReason
  readonly basis: string
  readonly revenue: Amount
  readonly payout: Amount
  readonly payoutClamped?: boolean
  readonly postbackValue?: string | undefined
  /** The arithmetic, a line a step. */
  readonly steps: readonly string[]
}

const ZERO: Fraction = { numerator: 0n, denominator: 1n }

/** What a postback that qualifies for `conversion` is worth. @see behaviour B4, B5, B6 */
export function amountsOf(
  conversion: PostbackConversion,
  postback: Postback,
  digits: number,
): Amounts {
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
      const posted = postback.revenue ?? ZERO
      const revenue = toAmount(posted, digits)
      const modified = applyPayoutModifier(conversion.payoutModifier, posted, digits)
      return {
        name,
        reason: 'posted_revenue',
        basis: `posted:${name}:${canonical(posted)}`,
        revenue,
        payout: modified.payout,
        payoutClamped: modified.clamped,
        postbackValue: postback.revenueText,
        steps: [
          `revenue ${postback.revenueText ?? '0'} posted, settled as ${revenue}`,
          ...modified.steps,
        ],
      }
    }
  }
}

/** What a conversion is worth that has been taken back: nothing. @see behaviour B12 */
export function reversalOf(name: string, postback: Postback, digits: number): Amounts {
  const zero = toAmount(ZERO, digits)
  return {
    name,
    reason: 'reversed',
    basis: 'reversal',
    revenue: zero,
    payout: zero,
    postbackValue: postback.revenueText,
    steps: [postback.reversed ? 'reversed=true was posted' : 'revenue 0 was posted'],
  }
}

/** Configured amounts, with the currency's digits. */
export function fixedAmounts(
  { revenue, payout }: { readonly revenue: Amount; readonly payout: Amount },
  digits: number,
): { readonly revenue: Amount; readonly payout: Amount } {
  const exact = (amount: Amount): Fraction => parseDecimal(amount) ?? ZERO
  return { revenue: toAmount(exact(revenue), digits), payout: toAmount(exact(payout), digits) }
}

/**
 * Whether both amounts can be stored: rounding up or a modifier may have made more of a posted revenue
 * than there is room for.
 */
export function areStorable({ revenue, payout }: Amounts): boolean {
  return isStorable(revenue) && isStorable(payout)
}

/** `10.0` and `10.00` are the same value. */
const canonical = (value: Fraction): string => toAmount(value, 6)
