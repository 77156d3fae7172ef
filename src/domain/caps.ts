import type { Buyer } from './campaign.ts'
import type { LocalTime } from './local-time.ts'

/** How many calls a buyer takes; a cap that is absent does not bound. */
export interface Caps {
  /** Calls that ring or talk at the same time. */
  readonly concurrent: number | undefined
  /** Calls answered in an hour, day and month of the buyer's own time zone. */
  readonly hourly: number | undefined
  readonly daily: number | undefined
  readonly monthly: number | undefined
  /** Calls answered since the cap was set for the first time. */
  readonly total: number | undefined
}

/**
 * The places that calls hold at a buyer, each count of a period with the name of its period. A call takes
 * its place in all of them when it is dialled, so that no cap is ever exceeded, and gives it back if the
 * buyer does not answer.
 */
export interface Load {
  readonly concurrent: number
  readonly hour: string
  readonly hourly: number
  readonly day: string
  readonly daily: number
  readonly month: string
  readonly monthly: number
  readonly total: number
}

/** The periods that a place was taken in. */
export type Periods = Pick<LocalTime, 'hour' | 'day' | 'month'>

export type FullCap = 'cap_concurrent' | 'cap_hourly' | 'cap_daily' | 'cap_monthly' | 'cap_total'

export const NO_LOAD: Load = {
  concurrent: 0,
  hour: '',
  hourly: 0,
  day: '',
  daily: 0,
  month: '',
  monthly: 0,
  total: 0,
}

const UTC = 'UTC'

/** The time zone in which a buyer's hours, days and months begin. */
export const timeZoneOf = ({ hours }: Pick<Buyer, 'hours'>): string => hours?.timeZone ?? UTC

/** Whether any cap bounds this buyer: only then its calls are counted. */
export function isCapped({ caps }: Pick<Buyer, 'caps'>): boolean {
  const { concurrent, hourly, daily, monthly, total } = caps
  return [concurrent, hourly, daily, monthly, total].some((cap) => cap !== undefined)
}

/** The first cap that has no place left; undefined where one more call is welcome. */
export function findFullCap(caps: Caps, load: Load, now: Periods): FullCap | undefined {
  const isFull = (count: number, cap: number | undefined) => cap !== undefined && count >= cap
  const { hourly, daily, monthly } = countsNow(load, now)
  if (isFull(load.concurrent, caps.concurrent)) return 'cap_concurrent'
  if (isFull(hourly, caps.hourly)) return 'cap_hourly'
  if (isFull(daily, caps.daily)) return 'cap_daily'
  if (isFull(monthly, caps.monthly)) return 'cap_monthly'
  return isFull(load.total, caps.total) ? 'cap_total' : undefined
}

/** The load with one more call in it; counts of periods that are over begin anew. */
export function takePlace(load: Load, now: Periods): Load {
  const { hourly, daily, monthly } = countsNow(load, now)
  return {
    concurrent: load.concurrent + 1,
    hour: now.hour,
    hourly: hourly + 1,
    day: now.day,
    daily: daily + 1,
    month: now.month,
    monthly: monthly + 1,
    total: load.total + 1,
  }
}

/** The load without a call that is over; one that the buyer answered stays in the counts of its periods. */
export function givePlaceBack(load: Load, taken: Periods, isAnswered: boolean): Load {
  const concurrent = Math.max(0, load.concurrent - 1)
  if (isAnswered) return { ...load, concurrent }
  const less = (count: number, isSame: boolean) => (isSame ? Math.max(0, count - 1) : count)
  return {
    ...load,
    concurrent,
    hourly: less(load.hourly, load.hour === taken.hour),
    daily: less(load.daily, load.day === taken.day),
    monthly: less(load.monthly, load.month === taken.month),
    total: less(load.total, true),
  }
}

function countsNow(load: Load, now: Periods): Pick<Load, 'hourly' | 'daily' | 'monthly'> {
  return {
    hourly: load.hour === now.hour ? load.hourly : 0,
    daily: load.day === now.day ? load.daily : 0,
    monthly: load.month === now.month ? load.monthly : 0,
  }
}
