/** An exact rational number; the denominator is always positive. */
export interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

/** Money as decimal text with the currency's digits after the point, for example `'8.00'`. */
export type Amount = string

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?$/
/** How {@link parseRevenue} wants an amount to be written. */
export const REVENUE = /^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?$/

/** Reads plain decimal text such as `0.8`, `-.5` or `+3`; undefined for anything else. */
export function parseDecimal(text: string): Fraction | undefined {
  const [, sign, whole = '', decimals = ''] = DECIMAL.exec(text) ?? []
  if (sign === undefined || whole + decimals === '') return undefined
  const magnitude = BigInt(whole + decimals)
  return {
    numerator: sign === '-' ? -magnitude : magnitude,
    denominator: 10n ** BigInt(decimals.length),
  }
}

/**
 * Reads an amount as buyers may post it and operators may configure it: up to twelve digits
 * without leading zero, up to six decimals, no sign, no space. Undefined otherwise.
 * @see behaviour B4
 */
export function parseRevenue(text: string): Fraction | undefined {
  return REVENUE.test(text) ? parseDecimal(text) : undefined
}

/**
 * Writes an exact value with `digits` decimals, rounded once, half away from zero.
 * @see behaviour B5
 */
export function toAmount({ numerator, denominator }: Fraction, digits: number): Amount {
  const scaled = numerator * 10n ** BigInt(digits) * 2n
  const magnitude = ((scaled < 0n ? -scaled : scaled) + denominator) / (denominator * 2n)
  const text = magnitude.toString().padStart(digits + 1, '0')
  const sign = scaled < 0n && magnitude > 0n ? '-' : ''
  const whole = text.slice(0, text.length - digits)
  return digits === 0 ? sign + whole : `${sign}${whole}.${text.slice(-digits)}`
}

/** Amounts are stored below this. */
const AMOUNT_LIMIT = 10n ** 12n

/** Whether an amount has room in the database: it is below 10^12. */
export function isStorable(amount: Amount): boolean {
  const exact = parseDecimal(amount)
  return exact !== undefined && exact.numerator < AMOUNT_LIMIT * exact.denominator
}

/** Asking ICU takes longer than settling a call. */
const digitsByCurrency = new Map<string, number>()

/** The number of decimals of a currency's minor unit: 2 for USD, 0 for JPY. @throws RangeError if the code is malformed */
export function minorUnitDigits(currency: string): number {
  const known = digitsByCurrency.get(currency)
  if (known !== undefined) return known
  const format = new Intl.NumberFormat('en', { style: 'currency', currency })
  const digits = Math.min(format.resolvedOptions().maximumFractionDigits ?? 2, 6)
  digitsByCurrency.set(currency, digits)
  return digits
}

/** Whether two exact values are the same number, however they were written. */
export function isSameValue(a: Fraction, b: Fraction): boolean {
  return a.numerator * b.denominator === b.numerator * a.denominator
}
