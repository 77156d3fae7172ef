import { type Amount, type Fraction, parseDecimal, toAmount } from './money.ts'

type Operator = '*' | '/' | '+' | '-'

/** One step of a modifier; `text` is the operand as it was written. */
export interface ModifierStep {
  readonly operator: Operator
  readonly operand: Fraction
  readonly text: string
}

/** The steps of a modifier such as `*0.8-1`, in the order in which they are applied. */
export type PayoutModifier = readonly ModifierStep[]

/** A modifier that was read, or what is wrong with it and where (`position` counts from 1). */
export type ParsedModifier =
  | { readonly kind: 'modifier'; readonly steps: PayoutModifier }
  | { readonly kind: 'malformed'; readonly position: number; readonly problem: string }

/** A payout with the arithmetic that led to it, one line a step. */
export interface ModifiedPayout {
  readonly payout: Amount
  /** The result was below zero and has been set to zero. */
  readonly clamped: boolean
  readonly steps: readonly string[]
}

const STEPS_MAX = 16
const TEXT_LENGTH_MAX = 200
const STEP = /\s*([*/+-])\s*([+-]?(?:\d{1,12}(?:\.\d{1,9})?|\.\d{1,9}))(?![\d.])\s*/y

/** Reads a modifier; blank is no steps. @see behaviour B5 */
export function parsePayoutModifier(text: string): ParsedModifier {
  const malformed = (position: number, problem: string): ParsedModifier => ({
    kind: 'malformed',
    position: position + 1,
    problem,
  })
  if (text.length > TEXT_LENGTH_MAX) return malformed(TEXT_LENGTH_MAX, 'the modifier is too long')
  const steps: ModifierStep[] = []
  let position = text.length - text.trimStart().length
  while (position < text.length) {
    STEP.lastIndex = position
    const match = STEP.exec(text)
    const operand = parseDecimal(match?.[2] ?? '')
    if (!match || !operand)
      return malformed(position, 'expected an operator and a number, as in *0.8')
    if (match[1] === '/' && operand.numerator === 0n) return malformed(position, 'division by zero')
    if (steps.length === STEPS_MAX) return malformed(position, `more than ${STEPS_MAX} steps`)
    steps.push({ operator: match[1] as Operator, operand, text: match[2] ?? '' })
    position = STEP.lastIndex
  }
  return { kind: 'modifier', steps }
}

/**
 * The payout for a posted revenue: each step on the result of the one before, strictly left to
 * right, exact until the single rounding at the end, never below zero.
 * @see behaviour B5
 */
export function applyPayoutModifier(
  modifier: PayoutModifier,
  revenue: Fraction,
  digits: number,
): ModifiedPayout {
  const steps: string[] = []
  let result = revenue
  for (const { operator, operand, text } of modifier) {
    const before = readable(result)
    result = applyStep(result, operator, operand)
    steps.push(`${before} ${operator} ${text} = ${readable(result)}`)
  }
  const clamped = result.numerator < 0n
  const payout = toAmount(clamped ? { numerator: 0n, denominator: 1n } : result, digits)
  if (clamped) steps.push(`below zero, set to ${payout}`)
  else steps.push(`rounded half away from zero to ${payout}`)
  return { payout, clamped, steps }
}

function applyStep(result: Fraction, operator: Operator, operand: Fraction): Fraction {
  const { numerator: a, denominator: b } = result
  const { numerator: c, denominator: d } = operand
  switch (operator) {
    case '*':
      return { numerator: a * c, denominator: b * d }
    case '/':
      return c < 0n
        ? { numerator: -a * d, denominator: -b * c }
        : { numerator: a * d, denominator: b * c }
    case '+':
      return { numerator: a * d + c * b, denominator: b * d }
    case '-':
      return { numerator: a * d - c * b, denominator: b * d }
  }
}

/** Exact when six decimals are enough, otherwise marked as shortened. */
function readable(value: Fraction): string {
  const text = toAmount(value, 6)
  const exact = parseDecimal(text)
  const isExact =
    exact && exact.numerator * value.denominator === value.numerator * exact.denominator
  return isExact ? text.replace(/\.?0+$/, '') : `${text}…`
}
