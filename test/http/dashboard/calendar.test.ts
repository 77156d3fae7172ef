import { expect, it } from 'vitest'

interface Calendar {
  readonly dayOf: (date: Date) => string
  readonly withInstants: (
    query: Readonly<Record<string, string>>,
    names: readonly string[],
  ) => Readonly<Record<string, string>>
}

/** What browsers load; the compiler checks it with the other files of the dashboard. */
const { dayOf, withInstants } = (await import(
  new URL('../../../src/http/dashboard/public/calendar.js', import.meta.url).href
)) as Calendar

it('asks for days as the reader has them, and for instants as they are', () => {
  const query = { buyer: 'solar', from: '2026-03-01', to: '2026-03-02T00:00:00.000Z' }
  expect(withInstants(query, ['from', 'to', 'created_from'])).toEqual({
    ...query,
    from: new Date(2026, 2, 1).toISOString(),
  })
})

it('calls a day what the reader does', () => {
  expect(dayOf(new Date(2026, 2, 1, 23, 59))).toBe('2026-03-01')
  expect(dayOf(new Date(2026, 11, 31))).toBe('2026-12-31')
})
