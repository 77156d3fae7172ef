import { describe, expect, it } from 'vitest'
import { minorUnitDigits, parseDecimal, parseRevenue, toAmount } from '../../src/domain/money.ts'

describe('parseRevenue (B4)', () => {
  it.each(['0', '10', '10.00', '0.000001', '999999999999.999999'])('reads %j', (text) => {
    expect(parseRevenue(text)).toEqual(parseDecimal(text))
  })

  it.each([
    ['$10', 'a currency sign'],
    ['10,00', 'a comma'],
    ['1,000.00', 'a thousands separator'],
    ['1e3', 'an exponent'],
    ['0x10', 'hexadecimal'],
    ['NaN', 'not a number'],
    ['-5', 'a sign'],
    ['+5', 'a sign'],
    [' 10', 'a space'],
    ['10\n', 'a line break'],
    ['010', 'a leading zero'],
    ['10.', 'a point without decimals'],
    ['.5', 'decimals without a whole part'],
    ['10.1234567', 'seven decimals'],
    ['1234567890123', 'thirteen digits'],
    ['٣٤', "another script's digits"],
    ['１０', 'full-width digits'],
    ['', 'nothing'],
  ])('refuses %j: %s', (text) => {
    expect(parseRevenue(text)).toBeUndefined()
  })
})

describe('toAmount', () => {
  it.each([
    ['0.005', 2, '0.01'],
    ['0.004999', 2, '0.00'],
    ['-0.005', 2, '-0.01'],
    ['-0.001', 2, '0.00'],
    ['1234.5', 0, '1235'],
    ['7', 3, '7.000'],
  ])('rounds %s to %i decimals as %s, half away from zero', (text, digits, expected) => {
    const value = parseDecimal(text)
    expect(value && toAmount(value, digits)).toBe(expected)
  })
})

it.each([
  ['USD', 2],
  ['JPY', 0],
  ['KWD', 3],
])('%s has %i decimals', (currency, digits) => {
  expect(minorUnitDigits(currency)).toBe(digits)
})
