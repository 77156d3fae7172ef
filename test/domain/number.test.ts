import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isKnownCountry,
  isPossibleNumber,
  nanpNumber,
  normaliseNumber,
  writeNumber,
} from '../../src/domain/number.ts'

describe('normaliseNumber', () => {
  it.each([
    ['+15551234567', '+15551234567', 'E.164'],
    ['15551234567', '+15551234567', 'E.164 without plus sign'],
    ['sip:+15551234567@198.51.100.7;user=phone', '+15551234567', 'a SIP URI'],
    ['SIP:15551234567@h', '+15551234567', 'a SIP URI in capitals'],
    ['sips:+15551234567@h:5061', '+15551234567', 'a SIPS URI'],
    ['tel:+1-555-123-4567', '+15551234567', 'a tel URI with visual separators'],
    ['tel:555-123-4567;phone-context=+1', '+15551234567', 'a local tel URI with its context'],
    ['tel:+1(555)123.4567;phone-context=+44', '+15551234567', 'a context that is not needed'],
    ['+15551234567;npdi;rn=+15550000000', '+15551234567', 'parameters of the user part'],
    ['+15551234567;isub=12', '+15551234567', 'a subaddress'],
    ['%2B15551234567', '+15551234567', 'escapes'],
    ['  +1 555 123 4567 ', '+15551234567', 'spaces'],
    ['0015551234567', '+15551234567', 'the prefix 00'],
    ['011442079460000', '+442079460000', 'the prefix 011'],
    ['442079460000', '+442079460000', 'another country'],
  ])('reads %j as %s: %s', (text, expected) => {
    expect(normaliseNumber(text)).toBe(expected)
  })

  it.each([
    ['5551234567', 'US', '+15551234567', 'a national number'],
    ['15551234567', 'US', '+15551234567', 'a national number after the trunk prefix'],
    ['02079460000', 'GB', '+442079460000', 'a national number after the trunk prefix 0'],
    ['011442079460000', 'US', '+442079460000', 'the prefix of that country'],
    ['00442079460000', 'DE', '+442079460000', 'the prefix of that country'],
    ['0015551234567', 'US', '+15551234567', 'a prefix of other countries'],
    ['442079460000', 'US', '+442079460000', 'too long to be national'],
    ['+442079460000', 'US', '+442079460000', 'a plus sign outranks the country'],
    ['15551234567', 'XX', '+15551234567', 'an unknown country counts as none'],
  ])('reads %j in %s as %s: %s', (text, country, expected) => {
    expect(normaliseNumber(text, country)).toBe(expected)
  })

  it.each([
    'anonymous',
    'Anonymous',
    'restricted',
    'unavailable',
    'asserted',
    'sip:anonymous@anonymous.invalid',
    '',
    '   ',
    'sip:@198.51.100.7',
    'sales',
    '+',
    '12',
    '+1234',
    '+0123456789',
    '+1234567890123456',
    '0005551234567',
    '١٥٥٥١٢٣٤٥٦٧',
    '+15551234567\r\nX-Evil: 1',
    '%zz',
    `+1${'5'.repeat(300)}`,
    `+15551234567;x=${'y'.repeat(256)}`,
  ])('gives nothing for %j', (text) => {
    expect(normaliseNumber(text)).toBeUndefined()
  })

  it('gives E.164 or nothing, and reads what it gave as itself, for any text', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.stringMatching(/^(sip:|tel:)?[+0-9().-]{0,20}(@h)?(;phone-context=\+\d)?$/),
    )
    const countries = fc.constantFrom(undefined, 'US', 'DE', 'AU', 'XX')
    fc.assert(
      fc.property(texts, countries, (text, country) => {
        const number = normaliseNumber(text, country)
        if (number === undefined) return
        expect(number).toMatch(/^\+[1-9][0-9]{6,14}$/)
        expect(normaliseNumber(number, country)).toBe(number)
      }),
    )
  })
})

describe('isPossibleNumber', () => {
  it.each([
    ['+18005550100', true],
    ['+15551230000', true],
    ['+442079460000', true],
    ['18005550100', false],
    ['+1800555010', false],
    ['+180055501000', false],
    ['+999123456789', false],
    ['', false],
  ])('%j: %s', (text, expected) => {
    expect(isPossibleNumber(text)).toBe(expected)
  })
})

describe('isKnownCountry', () => {
  it.each([
    ['US', true],
    ['us', false],
    ['XX', false],
    ['', false],
  ])('%j: %s', (text, expected) => {
    expect(isKnownCountry(text)).toBe(expected)
  })
})

describe('writeNumber', () => {
  const style = { format: 'e164', country: undefined, prefix: '' } as const
  it.each([
    ['+12125550100', style, '+12125550100'],
    ['+12125550100', { ...style, format: 'e164_plain' }, '12125550100'],
    ['+12125550100', { ...style, format: 'national', country: 'US' }, '2125550100'],
    ['+14165550100', { ...style, format: 'national', country: 'US' }, '4165550100'],
    ['+442079460000', { ...style, format: 'national', country: 'GB' }, '02079460000'],
    ['+442079460000', { ...style, format: 'national', country: 'US' }, '+442079460000'],
    ['+12125550100', { ...style, prefix: '00', format: 'e164_plain' }, '0012125550100'],
    ['+12125550100', { ...style, prefix: '#9' }, '%239+12125550100'],
  ] as const)('of %s as %j is %s', (number, asked, expected) => {
    expect(writeNumber(number, asked)).toBe(expected)
  })
})

describe('nanpNumber (B3)', () => {
  it.each([
    ['+12125550100', '2125550100'],
    ['+442079460000', ''],
    ['+11125550100', ''],
    ['+12121550100', ''],
    ['12125550100', ''],
    ['', ''],
  ])('%j: %j', (number, expected) => {
    expect(nanpNumber(number)).toBe(expected)
  })
})
