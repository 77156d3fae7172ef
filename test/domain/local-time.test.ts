import { expect, it } from 'vitest'
import { localTime } from '../../src/domain/local-time.ts'

it.each([
  // New York leaves summer time on 1 November 2026 at 06:00 UTC: 01:30 comes twice.
  ['2026-11-01T05:30:00Z', 'America/New_York', 7, 90, '2026-11-01T01-04:00', '2026-11-01'],
  ['2026-11-01T06:30:00Z', 'America/New_York', 7, 90, '2026-11-01T01-05:00', '2026-11-01'],
  // And begins it on 8 March 2026 at 07:00 UTC: 02:30 does not exist.
  ['2026-03-08T06:59:59Z', 'America/New_York', 7, 119, '2026-03-08T01-05:00', '2026-03-08'],
  ['2026-03-08T07:00:00Z', 'America/New_York', 7, 180, '2026-03-08T03-04:00', '2026-03-08'],
  ['2026-12-31T23:59:00Z', 'UTC', 4, 1439, '2026-12-31T23+00:00', '2026-12-31'],
  ['2026-12-31T18:30:00Z', 'Asia/Kolkata', 5, 0, '2027-01-01T00+05:30', '2027-01-01'],
  ['2026-06-15T02:00:00Z', 'America/Los_Angeles', 7, 1140, '2026-06-14T19-07:00', '2026-06-14'],
])('at %s in %s it is day %i, minute %i, %s', (...row) => {
  const [at, timeZone, weekday, minuteOfDay, hour, day] = row
  const month = day.slice(0, 7)
  expect(localTime(new Date(at), timeZone)).toEqual({ weekday, minuteOfDay, hour, day, month })
})

it('does not mix up zones or minutes that were asked for one after the other', () => {
  const noon = new Date('2026-06-15T12:00:00Z')
  expect(localTime(noon, 'UTC').minuteOfDay).toBe(720)
  expect(localTime(noon, 'America/New_York').minuteOfDay).toBe(480)
  expect(localTime(new Date('2026-06-15T12:01:59.999Z'), 'UTC').minuteOfDay).toBe(721)
  expect(localTime(noon, 'UTC').minuteOfDay).toBe(720)
})
