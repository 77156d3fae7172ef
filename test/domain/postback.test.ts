import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PostbackConversion } from '../../src/domain/conversion-group.ts'
import {
  decodePairs,
  hasTrigger,
  isTriggerAlwaysPresent,
  matchConversion,
  parsePostback,
  takeKeys,
} from '../../src/domain/postback.ts'

const parse = (query: string, body = '') => parsePostback({ query, body })

function postbackOf(query: string, body = '') {
  const parsed = parse(query, body)
  if (parsed.kind === 'malformed') throw new Error(`${query}: ${parsed.reason}`)
  return parsed.postback
}

describe('parsePostback (B4)', () => {
  it.each([
    ['0', 0n, 1n],
    ['10', 10n, 1n],
    ['10.00', 1000n, 100n],
    ['0.000001', 1n, 1_000_000n],
    ['999999999999.999999', 999_999_999_999_999_999n, 1_000_000n],
  ])('takes revenue %s exactly', (text, numerator, denominator) => {
    expect(postbackOf(`key=k&revenue=${text}`)).toMatchObject({
      revenueText: text,
      revenue: { numerator, denominator },
    })
  })

  it.each([
    ['', 'empty_revenue'],
    ['$10', 'revenue_not_a_number'],
    ['10,00', 'wrong_decimal_separator'],
    ['1,000.00', 'wrong_decimal_separator'],
    ['1e3', 'revenue_not_a_number'],
    ['0x10', 'revenue_not_a_number'],
    ['NaN', 'revenue_not_a_number'],
    ['Infinity', 'revenue_not_a_number'],
    ['-5', 'revenue_not_a_number'],
    ['%2B5', 'revenue_not_a_number'],
    ['+10', 'revenue_not_a_number'],
    ['%2010', 'revenue_not_a_number'],
    ['10%0A', 'revenue_not_a_number'],
    ['010', 'revenue_not_a_number'],
    ['00', 'revenue_not_a_number'],
    ['.5', 'revenue_not_a_number'],
    ['10.', 'revenue_not_a_number'],
    ['10.1234567', 'revenue_not_a_number'],
    ['1000000000000', 'revenue_not_a_number'],
    ['1'.repeat(40), 'revenue_not_a_number'],
    ['%D9%A1%D9%A0', 'revenue_not_a_number'],
    ['%EF%BC%91%EF%BC%90', 'revenue_not_a_number'],
    ['[revenue]', 'unreplaced_macro'],
    ['%5Brevenue%5D', 'unreplaced_macro'],
    ['{payout}', 'unreplaced_macro'],
    ['{{x}}', 'unreplaced_macro'],
    ['${x}', 'unreplaced_macro'],
    ['%25%25x%25%25', 'unreplaced_macro'],
    ['%3Camount%3E', 'unreplaced_macro'],
    ['%23x%23', 'unreplaced_macro'],
    ['10&revenue=11', 'two_revenue_values'],
    ['10&revenue=10.0', 'two_revenue_values'],
    ['10&revenue=', 'two_revenue_values'],
    ['%E0%A4%A', 'bad_percent_encoding'],
    ['10&x=%', 'bad_percent_encoding'],
  ])('refuses revenue=%s: %s', (text, reason) => {
    expect(parse(`key=k&revenue=${text}`)).toEqual({ kind: 'malformed', reason })
  })

  /** The value of the text in millionths, read by hand; undefined for what is no amount (B4). */
  function modelOf(text: string): bigint | undefined {
    const [whole = '', decimals, ...more] = text.split('.')
    const areDigits = (whole + (decimals ?? ''))
      .split('')
      .every((each) => '0123456789'.includes(each))
    if (!areDigits || more.length > 0 || whole === '' || whole.length > 12) return undefined
    if (whole.length > 1 && whole.startsWith('0')) return undefined
    if (decimals !== undefined && (decimals === '' || decimals.length > 6)) return undefined
    return BigInt(whole + (decimals ?? '').padEnd(6, '0'))
  }

  it('takes 10,000 generated texts for exactly the money that they say', () => {
    const unit = fc.constantFrom(...'00123456789..,-+eExX ٣１$%'.split(''))
    const plain = fc
      .tuple(fc.bigInt({ min: 0n, max: 10n ** 13n }), fc.nat(), fc.integer({ min: 0, max: 8 }))
      .map(([whole, decimals, digits]) => `${whole}.${String(decimals).slice(0, digits)}`)
    const text = fc.oneof(fc.string({ unit, maxLength: 20 }), plain, fc.string())
    fc.assert(
      fc.property(text, (value) => {
        const parsed = parse(`revenue=${encodeURIComponent(value)}`)
        const revenue = parsed.kind === 'postback' ? parsed.postback.revenue : undefined
        const millionths = revenue && (revenue.numerator * 1_000_000n) / revenue.denominator
        expect(millionths).toBe(modelOf(value))
      }),
      { numRuns: 10_000 },
    )
  })

  it('takes the same value twice, in query and body, for one', () => {
    expect(postbackOf('revenue=10.00', 'revenue=10.00').revenueText).toBe('10.00')
    expect(parse('revenue=10.00', 'revenue=11.00')).toMatchObject({ reason: 'two_revenue_values' })
  })

  it('tells a postback without revenue from one with an empty one', () => {
    expect(postbackOf('key=k&sale=true')).toMatchObject({
      revenueText: undefined,
      revenue: undefined,
    })
  })

  it.each([
    ['txid=abc', 'abc'],
    ['txid=&txid=abc', 'abc'],
    ['txid=', undefined],
    ['TXID=abc', undefined],
    [`txid=${'a'.repeat(128)}`, 'a'.repeat(128)],
  ])('reads the transaction id of %j (B12)', (query, txid) => {
    expect(postbackOf(query).txid).toBe(txid)
  })

  it('refuses a transaction id that is too long (B12)', () => {
    expect(parse(`txid=${'a'.repeat(129)}`)).toMatchObject({ reason: 'txid_too_long' })
  })

  it.each([
    ['reversed=true', true],
    ['reversed=false&reversed=true', true],
    ['reversed=1', false],
    ['reversed=TRUE', false],
    ['', false],
  ])('reads whether %j is a reversal (B12)', (query, reversed) => {
    expect(postbackOf(query).reversed).toBe(reversed)
  })

  it('keeps everything else as tags (B8)', () => {
    const { tags } = postbackOf(
      'key=k&revenue=1&txid=2&reversed=true&geo=us&city=New+York&empty=&flag',
      'geo=de&agent=J%C3%BCrgen%26Co',
    )
    expect(tags).toEqual({
      geo: 'de',
      city: 'New York',
      empty: '',
      flag: '',
      agent: 'Jürgen&Co',
    })
  })

  it('keeps no tag that could do harm', () => {
    const long = 'a'.repeat(257)
    const { tags } = postbackOf(`__proto__=x&a%20b=x&_x=1&nul=%00&long=${long}&ok=1`)
    expect(tags).toEqual({ ok: '1' })
    expect(Object.getPrototypeOf(tags)).toBe(Object.prototype)
  })

  it('keeps at most thirty-two tags', () => {
    const query = Array.from({ length: 40 }, (_, index) => `t${index}=1`).join('&')
    expect(Object.keys(postbackOf(query).tags)).toHaveLength(32)
  })
})

describe('decodePairs', () => {
  it.each([
    ['', []],
    ['a', [['a', '']]],
    ['a=', [['a', '']]],
    ['a=b=c', [['a', 'b=c']]],
    [
      'a=1&&b=2',
      [
        ['a', '1'],
        ['', ''],
        ['b', '2'],
      ],
    ],
    ['%61+b=c+d%2Be', [['a b', 'c d+e']]],
    ['a=%', undefined],
    ['%ff=1', undefined],
  ])('reads %j', (query, pairs) => {
    expect(decodePairs(query)).toEqual(pairs)
  })
})

describe('takeKeys (B7)', () => {
  it.each([
    ['key=secret', 'key='],
    ['a=1&key=secret&b=2', 'a=1&key=&b=2'],
    ['key=secret&key=other', 'key=&key='],
    ['KEY=secret', 'KEY='],
    ['%6bey=secret', '%6bey='],
    ['k%65y=secret%26x', 'k%65y='],
    ['key', 'key='],
    ['key=a=b', 'key='],
    ['monkey=1', 'monkey=1'],
    ['keys=1', 'keys=1'],
    ['%=1&key=secret', '%=1&key='],
    ['', ''],
  ])('makes of %j %j', (query, expected) => {
    expect(takeKeys(query).rest).toBe(expected)
  })

  it.each<[string, readonly string[]]>([
    ['key=secret', ['secret']],
    ['a=1&KEY=one&b=2&k%65y=t%77o', ['one', 'two']],
    ['key', ['']],
    ['key=a=b', ['a=b']],
    ['key=%zz', ['%zz']],
    ['monkey=1&keys=1', []],
  ])('finds in %j %j', (query, keys) => {
    expect(takeKeys(query).keys).toEqual(keys)
  })

  it('never leaves the key, wherever it stands and however its name is spelt', () => {
    const name = fc.constantFrom('key', 'Key', 'KEY', '%6Bey', 'k%45y', '%4b%45%59')
    const others = fc.array(fc.constantFrom('a=1', 'b', '%zz=1', '=', 'sale=true'))
    fc.assert(
      fc.property(others, name, others, (before, spelling, after) => {
        const query = [...before, `${spelling}=s3cret`, ...after].join('&')
        expect(takeKeys(query).rest).toBe([...before, `${spelling}=`, ...after].join('&'))
      }),
    )
  })
})

describe('hasTrigger (B6)', () => {
  const substring = (trigger: string) => ({ trigger, match: 'substring' as const })
  const parameter = (trigger: string) => ({ trigger, match: 'parameter' as const })
  /** As postbacks are taken in: the key is left out. */
  const received = (query: string, body: string) =>
    postbackOf(takeKeys(query).rest, takeKeys(body).rest)

  it.each([
    ['sale=true', 'key=k&sale=true', '', true, 'in the query'],
    ['sale=true', 'key=k', 'sale=true', true, 'in the body'],
    ['sale=true', 'key=k&resale=true', '', true, 'inside another parameter, as the source says'],
    ['sale=true', 'key=k&sale=trueish', '', true, 'at the beginning of a longer value'],
    ['sale=true', 'key=k&sale%3Dtrue', '', true, 'percent-encoded'],
    ['sale%3Dtrue', 'key=k&sale%3Dtrue', '', true, 'raw, where the trigger is encoded'],
    ['état=gagné', '%C3%A9tat=gagn%c3%a9', '', true, 'in UTF-8'],
    ['état=gagné', '%C3%89tat=gagn%C3%A9', '', false, 'in UTF-8, but another case'],
    ['my sale', 'note=my+sale', '', true, 'with a plus for a space'],
    ['true&x=1', 'sale=true&x=1', '', true, 'across parameters'],
    ['SALE=true', 'sale=true', '', false, 'in another case'],
    ['sale=true', 'key=sale=true', '', false, 'in the key'],
    ['sale=true', 'KEY=sale%3Dtrue', '', false, 'in the key, spelt otherwise'],
    ['sale=true', 'key=x%26sale=true', '', false, 'in a key that looks like two parameters'],
    ['sale=true', '', 'key=sale=true', false, 'in the key of a form'],
    ['sale=true', 'sale=tru', 'e', false, 'in two halves'],
    ['sale=true', 'sale=false', '', false, 'nowhere'],
    ['sale=true', '', '', false, 'in nothing'],
  ])('looks for %j in %j and %j: %s, %s', (trigger, query, body, expected) => {
    expect(hasTrigger(substring(trigger), received(query, body))).toBe(expected)
  })

  it.each([
    ['sale=true', 'key=k&sale=true', '', true],
    ['sale=true', 'key=k', 'sale=true', true],
    ['sale=true', 'key=k&resale=true', '', false],
    ['sale=true', 'key=k&sale=trueish', '', false],
    ['sale=true', 'key=k&sale%3Dtrue', '', false],
    ['sale=true', 's%61le=tr%75e', '', true],
    ['sale=my deal', 'sale=my+deal', '', true],
    ['sale=true', 'Sale=true', '', false],
    ['key=k', 'key=k', '', false],
    ['sale=', 'sale', '', true],
  ])('compares %j with the whole parameters of %j and %j: %s', (trigger, query, body, expected) => {
    expect(hasTrigger(parameter(trigger), received(query, body))).toBe(expected)
  })
})

describe('isTriggerAlwaysPresent (B6)', () => {
  it.each(['', 'k', 'key', 'key=', '=', 'y='])('%j stands in every postback', (trigger) => {
    expect(isTriggerAlwaysPresent(trigger)).toBe(true)
    expect(hasTrigger({ trigger, match: 'substring' }, postbackOf('key='))).toBe(true)
  })

  it.each(['sale=true', 'keys', 'Key', 'key=x', ' '])('%j does not', (trigger) => {
    expect(isTriggerAlwaysPresent(trigger)).toBe(false)
  })
})

describe('matchConversion (B6)', () => {
  const posted = (zeroConverts = false): PostbackConversion => ({
    kind: 'posted',
    name: 'posted',
    payoutModifier: [],
    zeroConverts,
    onRepeat: 'adjust',
  })
  const flat = (trigger: string): PostbackConversion => ({
    kind: 'trigger',
    name: trigger,
    trigger,
    match: 'substring',
    revenue: '25.00',
    payout: '20.00',
    onRepeat: 'adjust',
  })
  const nameOf = (conversions: readonly PostbackConversion[], query: string) =>
    matchConversion(conversions, postbackOf(query))?.name

  it.each([
    ['revenue=10.00', 'posted'],
    ['revenue=0.000001', 'posted'],
    ['revenue=0', undefined],
    ['revenue=0.00', undefined],
    ['geo=us', undefined],
    ['sale=true', 'sale=true'],
    ['sale=true&revenue=10.00', 'sale=true'],
  ])('%j converts as %s', (query, expected) => {
    expect(nameOf([flat('sale=true'), posted()], query)).toBe(expected)
  })

  it('takes the first in order that matches', () => {
    const conversions = [posted(), flat('sale'), flat('sale=true')]
    expect(nameOf(conversions, 'sale=true&revenue=10.00')).toBe('posted')
    expect(nameOf(conversions, 'sale=true')).toBe('sale')
  })

  it('converts zero only where the conversion says so (B4)', () => {
    expect(nameOf([posted(true)], 'revenue=0')).toBe('posted')
    expect(nameOf([posted(true)], 'geo=us')).toBeUndefined()
  })
})
