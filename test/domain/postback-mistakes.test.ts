import { describe, expect, it } from 'vitest'
import { parsePostback } from '../../src/domain/postback.ts'
import {
  findMistake,
  isPlaceholder,
  isUnreplacedMacro,
} from '../../src/domain/postback-mistakes.ts'

describe('isUnreplacedMacro', () => {
  it.each([
    '[revenue]',
    '{payout}',
    '{{conversion.revenue}}',
    '${REVENUE}',
    '%%revenue%%',
    '%revenue%',
    '<amount>',
    '#price#',
    '*|AMOUNT|*',
    '$(amount)',
    '@amount@',
    '__AMOUNT__',
    ':amount',
    '$amount',
    ' [revenue] ',
    '10.00[currency]',
  ])('recognises %s', (value) => {
    expect(isUnreplacedMacro(value)).toBe(true)
  })

  it.each(['10.00', '', '10,00', '$10', '10%', 'a_b', '50% of 10%', '12:30'])(
    'takes %j for what it is',
    (value) => {
      expect(isUnreplacedMacro(value)).toBe(false)
    },
  )
})

describe('isPlaceholder', () => {
  it.each([
    '[revenue]',
    ' [transaction id] ',
    '[[txid]]',
    '{txid}',
    '{{conversion.id}}',
    '{{ txid }}',
    '${TXID}',
    '%%txid%%',
    '%txid%',
    '<txid>',
    '#txid#',
    '*|TXID|*',
    '$(txid)',
    '@txid@',
    '__TXID__',
    ':txid',
    '$txid',
  ])('recognises %s', (value) => {
    expect(isPlaceholder(value)).toBe(true)
  })

  it.each([
    'order[12]',
    'order[a]',
    'abc{1}',
    '{12}',
    '{a1b2c3d4-0000-4000-8000-00000000abcd}',
    '{A1B2C3D4-0000-4000-8000-00000000ABCD}',
    '2026-01#02#03',
    'tx#1#a',
    '#12#',
    '{a}-{b}',
    'a<b>c',
    '10%',
    '',
  ])('takes %j for a value', (value) => {
    expect(isPlaceholder(value)).toBe(false)
  })
})

describe('the mistakes of a postback (B4)', () => {
  it.each([
    ['revenue=%%amount%%', 'unreplaced_macro'],
    ['x=1&revenue=%amount%', 'unreplaced_macro'],
    ['revenue=10,00', 'wrong_decimal_separator'],
    ['revenue=1,000.00', 'wrong_decimal_separator'],
    ['revenue=1.000,00', 'wrong_decimal_separator'],
    ['revenue=1.000.000', 'wrong_decimal_separator'],
    ['revenue=1%20000', 'wrong_decimal_separator'],
    ['revenue=$10', 'revenue_not_a_number'],
    ['txid=a%00b', 'txid_not_text'],
    ['x=%zz', 'bad_percent_encoding'],
  ])('%s is %s', (query, reason) => {
    expect(parsePostback({ query, body: '' })).toEqual({ kind: 'malformed', reason })
  })

  it.each(['txid={txid}', 'txid=%5Btransaction_id%5D'])('%s is no transaction id', (query) => {
    expect(parsePostback({ query, body: '' })).toMatchObject({ postback: { txid: undefined } })
  })

  it.each(['order[12]', 'tx#1#a'])('%s is a transaction id (B12)', (txid) => {
    const query = `txid=${encodeURIComponent(txid)}`
    expect(parsePostback({ query, body: '' })).toMatchObject({ postback: { txid } })
  })

  it('are looked for in the body too', () => {
    expect(findMistake({ query: 'x=1', body: 'a=1;revenue=3' })).toBe('wrong_separator')
    expect(findMistake({ query: 'x=1', body: 'note=no%20revenue' })).toBeUndefined()
  })
})
