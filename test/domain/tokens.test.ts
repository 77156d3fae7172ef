import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CALL_TOKENS,
  expandTemplate,
  isTagName,
  parseTemplate,
  type TokenValues,
} from '../../src/domain/tokens.ts'

const asIs = (value: string): string => value

function expand(text: string, values: TokenValues, encode: (value: string) => string = asIs) {
  const parsed = parseTemplate(text)
  if (parsed.kind === 'malformed') throw new Error(`${parsed.problem} at ${parsed.position}`)
  return expandTemplate(parsed.parts, values, encode)
}

describe('expandTemplate (B3)', () => {
  it.each<[string, TokenValues, string, readonly string[]]>([
    ['', {}, '', []],
    ['plain {text}', {}, 'plain {text}', []],
    ['[a]', { a: '1' }, '1', []],
    ['<[a]|[b]|[a]>', { a: '1', b: '2' }, '<1|2|1>', []],
    ['[a]{none}', { a: '1' }, '1', []],
    ['[a]{none}', {}, 'none', []],
    ['[a]{none}', { a: '' }, 'none', []],
    ['[a]{none}', { a: undefined }, 'none', []],
    ['[a]{}', {}, '', ['a']],
    ['[a]{two words}{x}', {}, 'two words{x}', []],
    ['[a] {no default}', {}, ' {no default}', ['a']],
    ['[a][b]', {}, '', ['a', 'b']],
    ['[a]{[b]}', { b: '2' }, '[b]', []],
    ['[toString][constructor]', {}, '', ['toString', 'constructor']],
    ['[a-b.c_d9]', { 'a-b.c_d9': '1' }, '1', []],
    ['[A]', { a: '1' }, '', ['A']],
  ])('makes of %j with %j %j, without a value: %j', (text, values, expected, missing) => {
    expect(expand(text, values)).toEqual({ text: expected, missing })
  })

  it('encodes values and defaults, and leaves the rest as it is', () => {
    const encode = (value: string) => `<${value}>`
    expect(expand('a&[x]&[y]{z}', { x: '1' }, encode).text).toBe('a&<1>&<z>')
  })

  it('replaces in one pass: a value that looks like a token is not expanded again', () => {
    expect(expand('[a][b]', { a: '[b]', b: '[a]{x}' }).text).toBe('[b][a]{x}')
  })

  it('puts every value in word for word, whatever it holds', () => {
    const value = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom('[a]', '[b]{c}', '$&', '$1'),
    )
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(expand('<[a]|[b]{d}|[a]>', { a, b }).text).toBe(`<${a}|${b}|${a}>`)
      }),
    )
  })
})

describe('parseTemplate (B3)', () => {
  it.each([
    ['[', 1, 'a bracket that is no token'],
    ['a]', 2, 'a bracket that is no token'],
    ['[a', 1, 'a bracket that is no token'],
    ['[a]]', 4, 'a bracket that is no token'],
    ['[[a]]', 1, 'a bracket that is no token'],
    ['x[a][b', 5, 'a bracket that is no token'],
    ['[]', 1, 'unknown token []'],
    ['ab[no token]', 3, 'unknown token [no token]'],
    ['[a][_b]', 4, 'unknown token [_b]'],
    ['[a][b c]{d}', 4, 'unknown token [b c]{d}'],
    [`[${'a'.repeat(65)}]`, 1, `unknown token [${'a'.repeat(65)}]`],
  ])('refuses %j at position %i: %s', (text, position, problem) => {
    expect(parseTemplate(text)).toEqual({ kind: 'malformed', position, problem })
  })

  it('takes any text without brackets for itself', () => {
    const unit = fc.constantFrom('a', 'é', '😀', '{', '}', '%', '$', '&', '\0', '\n', '\ud83d')
    fc.assert(
      fc.property(fc.string({ unit }), (plain) => {
        expect(expand(plain, {})).toEqual({ text: plain, missing: [] })
      }),
    )
  })

  it('reads any text or says where it is malformed', () => {
    const unit = fc.constantFrom('[', ']', '{', '}', 'a', '_', ' ')
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        const parsed = parseTemplate(text)
        if (parsed.kind === 'template') return
        expect(parsed.position).toBeGreaterThan(0)
        expect(text[parsed.position - 1]).toMatch(/[[\]]/)
      }),
    )
  })

  it('reads every token that calls have', () => {
    for (const name of CALL_TOKENS) expect(expand(`[${name}]`, { [name]: 'v' }).text).toBe('v')
  })
})

describe('isTagName', () => {
  it.each([
    ['geo', true],
    ['utm_source', true],
    ['9-a.b', true],
    ['a'.repeat(64), true],
    ['a'.repeat(65), false],
    ['', false],
    ['_geo', false],
    ['__proto__', false],
    ['a b', false],
    ['a]', false],
    ['ä', false],
    ['a\n', false],
  ])('%j: %s', (name, expected) => {
    expect(isTagName(name)).toBe(expected)
  })
})
