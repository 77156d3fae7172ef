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
  return (
    caps.concurrent !== undefined ||
    caps.hourly !== undefined ||
    caps.daily !== undefined ||
    caps.monthly !== undefined ||
    caps.total !== undefined
  )
}

/**
 * The first cap that has no place left; undefined where one more call is welcome. Allocates nothing: it is
 * asked for every buyer of a campaign at every call.
 */
export function findFullCap(caps: Caps, load: Load, now: Periods): FullCap | undefined {
  if (isFull(caps.concurrent, load.concurrent)) return 'cap_concurrent'
  if (load.hour === now.hour && isFull(caps.hourly, load.hourly)) return 'cap_hourly'
  if (load.day === now.day && isFull(caps.daily, load.daily)) return 'cap_daily'
  if (load.month === now.month && isFull(caps.monthly, load.monthly)) return 'cap_monthly'
  return isFull(caps.total, load.total) ? 'cap_total' : undefined
}

const isFull = (cap: number | undefined, count: number): boolean =>
  cap !== undefined && count >= cap

/** The load with one more call in it; counts of periods that are over begin anew. */
export function takePlace(load: Load, now: Periods): Load {
  return {
    concurrent: load.concurrent + 1,
    hour: now.hour,
    hourly: (load.hour === now.hour ? load.hourly : 0) + 1,
    day: now.day,
    daily: (load.day === now.day ? load.daily : 0) + 1,
    month: now.month,
    monthly: (load.month === now.month ? load.monthly : 0) + 1,
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
