import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDecimal } from '../../src/domain/money.ts'
import { applyPayoutModifier, parsePayoutModifier } from '../../src/domain/payout-modifier.ts'

function payoutOf(revenue: string, modifier: string, digits = 2) {
  const parsed = parsePayoutModifier(modifier)
  const exact = parseDecimal(revenue)
  if (parsed.kind !== 'modifier' || !exact) throw new Error(`not a case: ${revenue} ${modifier}`)
  return applyPayoutModifier(parsed.steps, exact, digits)
}

describe('applyPayoutModifier (B5)', () => {
  it.each([
    ['10.00', '*0.8', '8.00', 'the usual share'],
    ['10.00', '', '10.00', 'blank pays the revenue'],
    ['10.00', '   ', '10.00', 'spaces are blank'],
    ['10.00', '*0', '0.00', 'nobody is paid'],
    ['10.00', ' * 0', '0.00', 'spaces around the operator'],
    ['10.00', '*0.8-1', '7.00', 'two steps'],
    ['10.00', '-1*0.8', '7.20', 'left to right, without precedence'],
    ['10.00', '+2*3', '36.00', 'left to right, without precedence'],
    ['10.00', '/2+0.5', '5.50', 'division first because it stands first'],
    ['10.00', '+-1', '9.00', 'a sign may follow an operator'],
    ['10.00', '--1', '11.00', 'minus minus'],
    ['10.00', '/3', '3.33', 'rounded once'],
    ['10.00', '/3*3', '10.00', 'no rounding in between'],
    ['1.00', '*1.005', '1.01', 'binary floats would give 1.00'],
    ['2.675', '*1', '2.68', 'binary floats would give 2.67'],
    ['33.33', '*0.7', '23.33', 'half up at the third decimal only'],
    ['0.01', '*0.5', '0.01', 'half a cent rounds up'],
    ['10.00', '*.8', '8.00', 'a leading point'],
    ['10.00', '-20', '0.00', 'never below zero'],
  ])('%s with %j pays %s: %s', (revenue, modifier, payout) => {
    expect(payoutOf(revenue, modifier).payout).toBe(payout)
  })

  it('flags a payout that was below zero', () => {
    expect(payoutOf('10.00', '-20').clamped).toBe(true)
    expect(payoutOf('10.00', '-10').clamped).toBe(false)
  })

  it("rounds to the currency's minor unit", () => {
    expect(payoutOf('1000', '*0.3335', 0).payout).toBe('334')
    expect(payoutOf('1.0005', '*1', 3).payout).toBe('1.001')
  })

  it('writes down every step', () => {
    expect(payoutOf('10.00', '/3*0.8').steps).toEqual([
      '10 / 3 = 3.333333…',
      '3.333333… * 0.8 = 2.666667…',
      'rounded half away from zero to 2.67',
    ])
  })
})

describe('parsePayoutModifier (B5)', () => {
  it.each([
    ['0.8', 1, 'a leading number'],
    ['*', 1, 'a lone operator'],
    ['**2', 1, 'an operator that is not a sign after an operator'],
    ['*2*', 3, 'an operator at the end'],
    ['*2/0', 3, 'division by zero'],
    ['/0.000', 1, 'division by zero, written long'],
    ['*80%', 4, 'a percent sign'],
    ['*1e3', 3, 'an exponent'],
    ['*0,8', 3, 'a comma'],
    ['(*2)', 1, 'brackets'],
    ['*0.8 x', 6, 'anything after the expression'],
    ['*1.2.3', 1, 'two points'],
    [`+1${'*1'.repeat(16)}`, 33, 'more than sixteen steps'],
  ])('refuses %j at position %i: %s', (text, position) => {
    expect(parsePayoutModifier(text)).toMatchObject({ kind: 'malformed', position })
  })
})

describe('10,000 generated modifiers (B5)', () => {
  const unit = fc.constantFrom(...'0123456789..**//++-- e%,(x'.split(''))
  const step = fc
    .tuple(fc.constantFrom('*', '/', '+', '-'), fc.integer({ min: -9_999, max: 9_999 }))
    .map(([operator, hundredths]) => ({ operator, hundredths: BigInt(hundredths) }))

  /** Hundredths as text, `-150n` being `-1.50`. */
  const written = (hundredths: bigint) => {
    const digits = String(hundredths < 0n ? -hundredths : hundredths).padStart(3, '0')
    return `${hundredths < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
  }

  it('are evaluated as one exact fraction, rounded once', () => {
    const history = fc.array(step, { maxLength: 8 })
    fc.assert(
      fc.property(fc.nat(10_000_000), history, (cents, steps) => {
        fc.pre(steps.every(({ operator, hundredths }) => operator !== '/' || hundredths !== 0n))
        const text = steps
          .map(({ operator, hundredths }) => operator + written(hundredths))
          .join('')
        let top = BigInt(cents)
        let bottom = 100n
        for (const { operator, hundredths } of steps) {
          if (operator === '*') [top, bottom] = [top * hundredths, bottom * 100n]
          if (operator === '/') [top, bottom] = [top * 100n, bottom * hundredths]
          if (operator === '+') [top, bottom] = [top * 100n + hundredths * bottom, bottom * 100n]
          if (operator === '-') [top, bottom] = [top * 100n - hundredths * bottom, bottom * 100n]
        }
        if (bottom < 0n) [top, bottom] = [-top, -bottom]
        const rounded = top < 0n ? 0n : (top * 200n + bottom) / (bottom * 2n)
        expect(payoutOf(written(BigInt(cents)), text).payout).toBe(written(rounded))
      }),
      { numRuns: 10_000 },
    )
  })

  it('are read or refused with a position, and never throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit, maxLength: 30 }), fc.string()), (text) => {
        const parsed = parsePayoutModifier(text)
        if (parsed.kind === 'modifier') return
        expect(parsed.position).toBeGreaterThanOrEqual(1)
        expect(parsed.position).toBeLessThanOrEqual(text.length + 1)
      }),
      { numRuns: 10_000 },
    )
  })
})
