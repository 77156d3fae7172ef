import { describe, expect, it } from 'vitest'
import { findFullCap, givePlaceBack, NO_LOAD, takePlace } from '../../src/domain/caps.ts'

const NONE = {
  concurrent: undefined,
  hourly: undefined,
  daily: undefined,
  monthly: undefined,
  total: undefined,
}
const now = { hour: '2026-06-15T12+00:00', day: '2026-06-15', month: '2026-06' }
const nextHour = { ...now, hour: '2026-06-15T13+00:00' }
const nextDay = { ...nextHour, hour: '2026-06-16T00+00:00', day: '2026-06-16' }
const nextMonth = { hour: '2026-07-01T00+00:00', day: '2026-07-01', month: '2026-07' }
const taken = (count: number) => {
  let load = NO_LOAD
  for (let place = 0; place < count; place++) load = takePlace(load, now)
  return load
}

describe('a cap', () => {
  it.each([
    ['concurrent', 'cap_concurrent', nextMonth],
    ['hourly', 'cap_hourly', now],
    ['daily', 'cap_daily', nextHour],
    ['monthly', 'cap_monthly', nextDay],
    ['total', 'cap_total', nextMonth],
  ] as const)('%s is full with its last place and not before', (cap, reason, at) => {
    const caps = { ...NONE, [cap]: 3 }
    expect(findFullCap(caps, taken(2), at)).toBeUndefined()
    expect(findFullCap(caps, taken(3), at)).toBe(reason)
  })

  it.each([
    ['hourly', nextHour],
    ['daily', nextDay],
    ['monthly', nextMonth],
  ] as const)('%s begins anew with its period', (cap, at) => {
    expect(findFullCap({ ...NONE, [cap]: 3 }, taken(3), at)).toBeUndefined()
    expect(takePlace(taken(3), at)[cap]).toBe(1)
  })

  it('that is not set bounds nothing', () => {
    expect(findFullCap(NONE, taken(1_000), now)).toBeUndefined()
  })
})

describe('a place', () => {
  it('goes back to every count when the buyer did not answer', () => {
    expect(givePlaceBack(taken(1), now, false)).toEqual({ ...NO_LOAD, ...now })
  })

  it('that the buyer answered stays in the counts of its periods', () => {
    const load = givePlaceBack(taken(2), now, true)
    expect(load).toMatchObject({ concurrent: 1, hourly: 2, daily: 2, monthly: 2, total: 2 })
  })

  it('taken in a period that is over leaves the new one as it is', () => {
    const load = takePlace(taken(1), nextHour)
    expect(givePlaceBack(load, now, false)).toMatchObject({ concurrent: 1, hourly: 1, daily: 1 })
  })
})
