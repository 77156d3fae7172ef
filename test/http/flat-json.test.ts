import { describe, expect, it } from 'vitest'
import { readFlatJson } from '../../src/http/flat-json.ts'

describe('readFlatJson', () => {
  it.each([
    ['a number as it is written (B4)', '{"revenue":10.00}', 'revenue=10.00'],
    [
      'a number of many digits',
      '{"revenue":12345678901234567890.10}',
      'revenue=12345678901234567890.10',
    ],
    ['an exponent, for the rules to refuse', '{"revenue":1e3}', 'revenue=1e3'],
    ['a negative number', '{"revenue":-5}', 'revenue=-5'],
    ['text', '{"revenue":"10.00"}', 'revenue=10.00'],
    ['truth values', '{"sale":true,"lead":false}', 'sale=true&lead=false'],
    ['null as if it were not there', '{"a":null,"b":1}', 'b=1'],
    ['both values of a name given twice', '{"revenue":1,"revenue":2}', 'revenue=1&revenue=2'],
    ['escapes', String.raw`{"\u0073ale":"a\"b\\c\n"}`, 'sale=a%22b%5Cc%0A'],
    ['what means something in a query', '{"a":"x&sale=true#+ %"}', 'a=x%26sale%3Dtrue%23%2B%20%25'],
    ['quotes and brackets in text', '{"a":"}\\",{","b":"[1]"}', 'a=%7D%22%2C%7B&b=%5B1%5D'],
    ['half a surrogate pair', String.raw`{"a":"\ud800"}`, 'a=%EF%BF%BD'],
    ['names that objects have', '{"__proto__":"x","constructor":1}', '__proto__=x&constructor=1'],
    ['white space', ' {\n\t"a" : 1 ,\r\n "b" : "2" } ', 'a=1&b=2'],
    ['an empty object', '{ }', ''],
    ['16 KB of text', `{"a":"${'x'.repeat(16_000)}"}`, `a=${'x'.repeat(16_000)}`],
  ])('writes %s', (_name, text, query) => {
    expect(readFlatJson(text)).toEqual({ kind: 'query', query })
  })

  it.each([
    '{"a":{"b":1}}',
    '{"a":[1]}',
    '{"a":[]}',
    '{"__proto__":{"admin":true}}',
    '{"a":{"b":1},"a":2}',
    '{"a":[1],"a":"2"}',
    '[]',
    '[{"revenue":1}]',
    '"revenue=1"',
    '10.00',
    'null',
  ])('says that %s is not flat', (text) => {
    expect(readFlatJson(text)).toEqual({ kind: 'not_flat', keys: [] })
  })

  it('still tells the key of what is not flat, so that its sender can be told why', () => {
    expect(readFlatJson('{"key":"k1","a":[1]}')).toEqual({ kind: 'not_flat', keys: ['k1'] })
  })

  it.each(['', '{', '{"a":1,}', "{'a':1}", '{"a":01}', '{"a":NaN}', 'revenue=1'])(
    'says that %o is malformed',
    (text) => {
      expect(readFlatJson(text)).toEqual({ kind: 'malformed' })
    },
  )

  it('changes no prototype', () => {
    readFlatJson('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}')
    expect(({} as { admin?: unknown }).admin).toBeUndefined()
  })
})
