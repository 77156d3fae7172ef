import { expect, it } from 'vitest'
import { load, openFakePage } from './support/fake-page.ts'

interface Show {
  readonly duration: (seconds: number | null) => string
  readonly money: (amount: string | null, currency?: string) => string
  readonly timeZone: (now: Date) => string
  readonly timeText: (instant: string) => string
  readonly details: (details: object) => string
}

openFakePage()
const { duration, money, timeZone, timeText, details } = (await load('show.js')) as Show

it.each([
  [null, '–'],
  [0, '0 s'],
  [59, '59 s'],
  [60, '1 min 0 s'],
  [3_599, '59 min 59 s'],
  [3_600, '1 h 0 min 0 s'],
  [331_444, '92 h 4 min 4 s'],
] as const)('says %j seconds in units', (seconds, text) => {
  expect(duration(seconds)).toBe(text)
})

it.each([
  ['10.00', 'EUR', '10.00 EUR'],
  ['1500', 'JPY', '1500 JPY'],
  ['10.00', undefined, '10.00'],
  [null, 'EUR', '–'],
] as const)('leaves the amount %j of %j as the ledger has it', (amount, currency, text) => {
  expect(money(amount, currency)).toBe(text)
})

it('names the time zone of the reader with its offset', () => {
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions()
  expect(timeZone(new Date('2026-03-01T12:00:00Z'))).toMatch(new RegExp(`^${zone}, GMT`))
})

it('shows instants inside of details as those of tables, and lists without brackets', () => {
  const until = '2026-03-01T12:00:00.000Z'
  expect(details({ until, buyers: ['solar', 'roof'], none: null, empty: [] })).toBe(
    `until ${timeText(until)} · buyers solar; roof`,
  )
})
