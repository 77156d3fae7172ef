import { describe, expect, it } from 'vitest'
import {
  agreeAsClient,
  agreeAsServer,
  isTooShort,
  parseMinSe,
  parseSessionExpires,
} from '../../../../src/sip/engine/dialog/session-timer.ts'
import type { HeaderField } from '../../../../src/sip/engine/message/headers.ts'

const header = (name: string, value: string): HeaderField => ({
  key: name.toLowerCase(),
  name,
  value,
})
const expires = (value: string): HeaderField[] => [header('Session-Expires', value)]
const TIMER = header('Supported', '100rel, timer')

it.each([
  { value: '1800', expected: { seconds: 1_800, refresher: undefined } },
  { value: '90;refresher=uac', expected: { seconds: 90, refresher: 'uac' } },
  { value: '90 ; x=y ; Refresher = UAS', expected: { seconds: 90, refresher: 'uas' } },
  { value: '90;refresher=me', expected: { seconds: 90, refresher: undefined } },
  { value: '-1', expected: undefined },
  { value: 'soon;refresher=uac', expected: undefined },
  { value: '99999999999', expected: undefined },
])('reads Session-Expires: $value (RFC 4028 §4)', ({ expected, value }) => {
  expect(parseSessionExpires(expires(value))).toEqual(expected)
})

it('reads Min-SE with parameters behind it', () => {
  expect(parseMinSe([header('Min-SE', '120;x=y')])).toBe(120)
  expect(parseMinSe([])).toBeUndefined()
})

it.each([
  { value: '89', expected: true },
  { value: '90', expected: false },
])('inside a dialog $value seconds are too short: $expected', ({ expected, value }) => {
  expect(isTooShort(expires(value))).toBe(expected)
})

describe('a 2xx of ours agrees', () => {
  const us = (seconds: number) => ({ seconds, refresher: 'us' })
  const them = (seconds: number) => ({ seconds, refresher: 'them' })
  it.each([
    { name: 'to nothing unasked', asked: [], given: [], expected: undefined },
    { name: 'that the caller refreshes', asked: expires('600;refresher=uac'), expected: them(600) },
    { name: 'that we refresh', asked: expires('600;refresher=uas'), expected: us(600) },
    { name: 'to 90 s at least', asked: expires('30;refresher=uac'), expected: them(90) },
    { name: 'to no open offer', asked: [...expires('600'), TIMER], expected: undefined },
    {
      name: 'that we refresh for a caller that insists on a timer',
      asked: [...expires('600'), header('Require', '100rel, timer')],
      expected: us(600),
    },
    {
      name: 'to an open offer as it was settled before',
      asked: expires('600'),
      before: 'us' as const,
      expected: us(600),
    },
    {
      name: 'to what the application says rather than the caller',
      asked: expires('600;refresher=uas'),
      given: expires('120;refresher=uac'),
      expected: them(120),
    },
    {
      name: 'that a caller refreshes who can, if the application leaves it open',
      asked: [TIMER],
      given: expires('120'),
      expected: them(120),
    },
    {
      name: 'that we refresh for a caller who cannot',
      asked: [],
      given: expires('120'),
      expected: us(120),
    },
  ])('$name', ({ asked, before, expected, given = [] }) => {
    expect(agreeAsServer(asked, given, before)).toEqual(expected)
  })
})

it.each([
  { answer: expires('120;refresher=uas'), expected: { seconds: 120, refresher: 'them' } },
  { answer: expires('120;refresher=uac'), expected: { seconds: 120, refresher: 'us' } },
  { answer: expires('120'), expected: { seconds: 120, refresher: 'us' } },
  { answer: expires('1;refresher=uac'), expected: { seconds: 90, refresher: 'us' } },
  { answer: expires('4294967295'), expected: { seconds: 2_000_000, refresher: 'us' } },
  { answer: [], expected: undefined },
])('the other side answers $answer (RFC 4028 §7.2)', ({ answer, expected }) => {
  expect(agreeAsClient(answer)).toEqual(expected)
})
