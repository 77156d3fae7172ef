import { describe, expect, it } from 'vitest'
import { isDiversionLoop, passDiversions, passHistory } from '../../src/sip/diversion.ts'

const US = { country: 'US', prefix: '' }
const of = (headers: Readonly<Record<string, string>>) => ({
  get: (name: string) => headers[name],
})

describe('isDiversionLoop (RFC 5806)', () => {
  it.each([
    ['<sip:8005550155@a>, <sip:+18005550155@b>', true],
    ['<sip:+18005550155@a>, <sip:+18005550156@b>', false],
    ['<sip:alice@a>, <sip:alice@a>', false],
    ['"<sip:+18005550155@a>" <sip:+18005550156@a>, <sip:+18005550155@b>', false],
    ['', false],
  ])('of %j is %j', (diversion, expected) => {
    expect(isDiversionLoop(of({ Diversion: diversion }), US)).toBe(expected)
  })
})

describe('passDiversions (RFC 5806)', () => {
  const pass = (diversion: string, isTrusted = false, privacy = '') =>
    passDiversions(of({ Diversion: diversion, Privacy: privacy }), US, isTrusted)

  it.each([
    [
      'writes numbers without the hosts of others',
      '"Ann" <sip:8005550155@10.0.0.1:5070>;reason=no-answer;counter=2;screen=no',
      '<tel:+18005550155>;reason=no-answer;counter=2',
    ],
    ['leaves out what is no number', '<sip:alice@a>, <sip:+18005550155@a>', '<tel:+18005550155>'],
    [
      'leaves out malformed parameters',
      '<sip:+18005550155@a>;counter=x;reason="a b"',
      '<tel:+18005550155>',
    ],
    ['leaves out who wants to be private', '<sip:+18005550155@a>;privacy=full', ''],
  ])('%s', (_, diversion, expected) => {
    expect(pass(diversion)).toBe(expected)
  })

  it('tells a trusted buyer alone what asks for privacy', () => {
    const diversion = '<sip:+18005550155@a>;privacy=full'
    expect(pass(diversion, true)).toBe('<tel:+18005550155>;privacy=full')
    expect(pass('<sip:+18005550155@a>', false, 'header')).toBe('')
    expect(pass('<sip:+18005550155@a>', true, 'header')).toBe('<tel:+18005550155>')
  })

  it('keeps the five newest, which stand first', () => {
    const numbers = Array.from({ length: 6 }, (_, index) => `+1800555010${index}`)
    const expected = numbers.slice(0, 5).map((number) => `<tel:${number}>`)
    expect(pass(numbers.map((number) => `<sip:${number}@a>`).join(','))).toBe(expected.join(', '))
  })
})

describe('passHistory (RFC 7044)', () => {
  const pass = (history: string, isTrusted = false, privacy = '') =>
    passHistory(of({ 'History-Info': history, Privacy: privacy }), US, isTrusted)

  it.each([
    [
      'writes numbers with their place in the history',
      '<sip:+18005550155@a?Reason=SIP%3Bcause%3D302>;index=1, <sip:8005550156@b>;index=1.1;rc=1;x=y',
      '<tel:+18005550155>;index=1, <tel:+18005550156>;index=1.1;rc=1',
    ],
    ['leaves out an index that is none', '<sip:+18005550155@a>;index=a', '<tel:+18005550155>'],
    ['leaves out who wants to be private', '<sip:+18005550155@a?Privacy=history>;index=1', ''],
  ])('%s', (_, history, expected) => {
    expect(pass(history)).toBe(expected)
  })

  it('tells a trusted buyer alone what asks for privacy', () => {
    const history = '<sip:+18005550155@a?Reason=x&Privacy=history>;index=1'
    expect(pass(history, true)).toBe('<tel:+18005550155>;index=1')
    expect(pass('<sip:+18005550155@a>;index=1', false, 'history')).toBe('')
  })

  it('keeps the ten newest, which stand last', () => {
    const entries = Array.from({ length: 11 }, (_, index) => `<tel:+18005550155>;index=${index}`)
    expect(pass(entries.join(','))).toBe(entries.slice(1).join(', '))
  })
})
