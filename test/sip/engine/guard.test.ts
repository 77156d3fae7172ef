import { beforeEach, expect, it } from 'vitest'
import { createGuard, GUARD_DEFAULTS, type Guard } from '../../../src/sip/engine/guard.ts'

let nowMs: number
let guard: Guard

beforeEach(() => {
  nowMs = 1_000
  const options = { requestsPerSecond: 10, burst: 3, banMs: 60_000, exempt: ['203.0.113.0/24'] }
  guard = createGuard({ ...GUARD_DEFAULTS, ...options }, () => nowMs)
})

const admit = (times: number, address = '198.51.100.1'): string[] =>
  Array.from({ length: times }, () => guard.admit(address))

it('admits a burst, answers once and then drops', () => {
  expect(admit(6)).toEqual(['admit', 'admit', 'admit', 'answer_busy', 'drop', 'drop'])
})

it('refills at the steady rate, up to the burst', () => {
  admit(4)
  nowMs += 99
  expect(admit(1)).toEqual(['drop'])
  nowMs += 50
  expect(admit(2)).toEqual(['admit', 'answer_busy'])
  nowMs += 60_000
  expect(admit(4)).toEqual(['admit', 'admit', 'admit', 'answer_busy'])
})

it('bans a source that goes on for a whole burst more', () => {
  admit(6)
  expect(guard.isBanned('198.51.100.1')).toBe(false)
  admit(1)
  expect(guard.isBanned('198.51.100.1')).toBe(true)
  expect(guard.isBanned('198.51.100.2')).toBe(false)
  nowMs += 60_001
  expect(guard.isBanned('198.51.100.1')).toBe(false)
})

it.each([
  { perSecond: 20, isBanned: false },
  { perSecond: 30, isBanned: true },
])('sent $perSecond requests a second at a limit of 10: banned is $isBanned', (flood) => {
  for (let count = 0; count < 600; count++) {
    nowMs += 1_000 / flood.perSecond
    guard.admit('198.51.100.1')
  }
  expect(guard.isBanned('198.51.100.1')).toBe(flood.isBanned)
})

it.each(['203.0.113.77', '127.0.0.1', '::1'])('has no limit for %s', (address) => {
  expect(new Set(admit(100, address))).toEqual(new Set(['admit']))
})

it('ends the ban of a source that is exempted, and limits it again when it no longer is', () => {
  admit(7)
  guard.setExempt(['198.51.100.0/24'])
  expect(guard.isBanned('198.51.100.1')).toBe(false)
  expect(new Set(admit(100))).toEqual(new Set(['admit']))
  guard.setExempt([])
  expect(admit(4)).toEqual(['admit', 'admit', 'admit', 'answer_busy'])
  expect(admit(100, '203.0.113.77').at(-1)).toBe('drop')
  expect(new Set(admit(100, '127.0.0.1'))).toEqual(new Set(['admit']))
})

it('keeps what it exempts where one of the new ranges is none', () => {
  expect(() => {
    guard.setExempt(['198.51.100.0/24', 'carrier'])
  }).toThrow('"carrier" is no address')
  expect(new Set(admit(100, '203.0.113.77'))).toEqual(new Set(['admit']))
})

it('remembers ten thousand sources, and never more than twice as many', () => {
  for (let at = 0; at < 20_050; at++) guard.admit(`10.0.${at >> 8}.${at & 255}`)
  expect(guard.size()).toBe(10_050)
})

it('goes on refusing a source that goes on, however many others come up meanwhile', () => {
  admit(7)
  for (let at = 0; at < 40_000; at++) {
    guard.admit(`10.0.${at >> 8}.${at & 255}`)
    if (at % 5_000 === 0) guard.isBanned('198.51.100.1')
  }
  expect(guard.isBanned('198.51.100.1')).toBe(true)
})

it('names a range that is none', () => {
  expect(() => createGuard({ ...GUARD_DEFAULTS, exempt: ['carrier'] }, () => 0)).toThrow(
    '"carrier" is no address and no CIDR range',
  )
})
