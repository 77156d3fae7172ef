import { describe, expect, it } from 'vitest'
import {
  dialledNumber,
  PLAIN_WRITING,
  readCaller,
  readVerstat,
  type TrunkWriting,
} from '../../src/sip/caller-id.ts'
import { aTrunk } from './support/invite.ts'

const of = (headers: Readonly<Record<string, string>>) => ({
  uri: 'sip:+18005550100@h',
  get: (name: string) => headers[name],
})

const FROM = { From: '"A" <sip:2125550100@carrier>;tag=a' }
const PAI = { 'P-Asserted-Identity': '<sip:+14155550123@carrier>, <tel:+14155550123>' }
const RPID = { 'Remote-Party-ID': '<sip:13105550111@c>;party=calling' }

describe('the caller', () => {
  it.each([
    ['From alone', FROM, '+12125550100', undefined],
    [
      'P-Asserted-Identity before all',
      { ...FROM, ...PAI, ...RPID },
      '+14155550123',
      '+14155550123',
    ],
    ['Remote-Party-ID before From', { ...FROM, ...RPID }, '+13105550111', '+13105550111'],
    [
      'a PAI without number leaves RPID',
      { ...FROM, ...RPID, 'P-Asserted-Identity': 'x' },
      '+13105550111',
      '+13105550111',
    ],
    ['Privacy: id', { ...FROM, ...PAI, Privacy: 'id' }, undefined, '+14155550123'],
    [
      'a display name that looks like an address',
      { From: '"sip:+19005550100@x \\" tel:+1900" <sip:+12125550100@carrier>;tag=a' },
      '+12125550100',
      undefined,
    ],
    ['Privacy: header;id', { ...FROM, Privacy: 'header;id' }, undefined, undefined],
    ['Privacy: none', { ...FROM, Privacy: 'none' }, '+12125550100', undefined],
    [
      'RPID that says full',
      { ...FROM, 'Remote-Party-ID': `${RPID['Remote-Party-ID']};privacy=full` },
      undefined,
      '+13105550111',
    ],
    ['anonymous', { From: '"Anonymous" <sip:anonymous@anonymous.invalid>' }, undefined, undefined],
    ['Restricted', { From: '<sip:Restricted@carrier>' }, undefined, undefined],
    ['a host alone', { From: '"Anonymous" <sip:203.0.113.45>;tag=a' }, undefined, undefined],
    ['a host alone, with more', { From: 'sip:203.0.113.45;transport=udp' }, undefined, undefined],
    [
      'a host, and a number behind it that is no address of the caller',
      { From: '<sip:203.0.113.45>;x=sip:+19005550100@y' },
      undefined,
      undefined,
    ],
    [
      'what a host asserts is nobody, whatever From says',
      { ...FROM, 'P-Asserted-Identity': '<sip:203.0.113.45>' },
      undefined,
      undefined,
    ],
    [
      'the number of the two identities that may be asserted (RFC 3325 §9.1)',
      { ...FROM, 'P-Asserted-Identity': '"A, B" <sip:acct@c>, <tel:+14155550123>' },
      '+14155550123',
      '+14155550123',
    ],
    [
      'an account alone is no number, whatever From says',
      { ...FROM, 'P-Asserted-Identity': '<sip:acct@c>' },
      undefined,
      undefined,
    ],
    [
      'parameters before the @',
      { From: '<sip:+12125550100;npdi;rn=+12125550000@c;user=phone>;tag=a' },
      '+12125550100',
      undefined,
    ],
  ])('of a trusted trunk: %s', (_, headers, number, asserted) => {
    expect(readCaller(of(headers), aTrunk())).toEqual({ number, asserted })
  })

  it('of a trunk that is not trusted is what From says, whatever it asserts', () => {
    const caller = readCaller(of({ ...FROM, ...PAI, ...RPID }), aTrunk({ isTrusted: false }))
    expect(caller).toEqual({ number: '+12125550100', asserted: undefined })
  })
})

describe('readVerstat', () => {
  it.each([
    [
      { From: '<sip:+1212;verstat=TN-Validation-Passed@h;user=phone>;tag=a' },
      'TN-Validation-Passed',
    ],
    [
      { 'P-Asserted-Identity': '<tel:+1212;verstat=No-TN-Validation>', From: '<sip:a@b>' },
      'No-TN-Validation',
    ],
    [{ From: '"x;verstat=TN-Validation-Passed" <sip:+1212@h>;tag=a' }, undefined],
    [{ From: '<sip:+1212@h>;tag=a' }, undefined],
  ])('of %j is %j', (headers, expected) => {
    expect(readVerstat(of(headers))).toBe(expected)
  })
})

describe('the dialled number', () => {
  const writing = (numbers: Partial<TrunkWriting['numbers']>) => ({
    ...PLAIN_WRITING,
    numbers: { ...PLAIN_WRITING.numbers, ...numbers },
  })
  const request = {
    ...of({
      To: '<sip:+18005550199@us>',
      Diversion: '<sip:+18005550177@a>;reason=unconditional, <sip:+18005550188@b>',
      'History-Info': '<sip:+18005550166@a>;index=1, <sip:+18005550188@b>;index=1.1',
    }),
  }

  it.each([
    ['request_uri', '+18005550100'],
    ['to', '+18005550199'],
    ['diversion', '+18005550177'],
    ['history_info', '+18005550166'],
  ] as const)('is read from where the trunk puts it: %s', (dialled, number) => {
    expect(dialledNumber(request, writing({ dialled }))).toBe(number)
  })

  it.each(['to', 'diversion', 'history_info'] as const)(
    'is that of the request URI where there is no %s',
    (dialled) => {
      expect(dialledNumber(of({}), writing({ dialled }))).toBe('+18005550100')
    },
  )

  it.each([
    ['request_uri', 'sip:203.0.113.45', {}],
    ['request_uri', 'sip:203.0.113.45;transport=udp', {}],
    ['to', 'sip:a', { To: '<sip:203.0.113.45:5060>' }],
    ['diversion', 'sip:a', { Diversion: '<sip:203.0.113.45>;reason=no-answer' }],
    ['history_info', 'sip:a', { 'History-Info': '<sip:203.0.113.45>;index=1' }],
  ] as const)('is never made of a host: %s, %s', (dialled, uri, headers) => {
    expect(dialledNumber({ ...of(headers), uri }, writing({ dialled }))).toBeUndefined()
  })

  it("loses the trunk's prefix", () => {
    const prefixed = { ...of({}), uri: 'sip:99918005550100@h' }
    expect(dialledNumber(prefixed, writing({ prefix: '999' }))).toBe('+18005550100')
  })
})
