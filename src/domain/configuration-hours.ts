import type { LocalTime } from './local-time.ts'

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** A time of the week at which a buyer takes calls. */
export interface OpeningHours {
  /** 1 is Monday, 7 is Sunday (ISO 8601). */
  readonly weekdays: readonly number[]
  /** Minutes since midnight, local time; the first that is open. */
  readonly fromMinute: number
  /** Minutes since midnight, up to 1440; the first that is no longer open. */
  readonly untilMinute: number
}

const HOURS = /^([a-z,-]+) (\d\d):([0-5]\d)-(\d\d):([0-5]\d)$/
const MINUTES_OF_DAY = 24 * 60

/**
 * Reads days and hours such as `mon-fri 09:00-17:30`, `sat,sun 10:00-24:00` or `fri-mon 00:00-06:00`.
 * Undefined if malformed, or if it does not end after it begins (midnight needs two entries).
 */
export function parseOpeningHours(text: string): OpeningHours | undefined {
  const [, days, ...times] = HOURS.exec(text) ?? []
  if (days === undefined) return undefined
  const weekdays = parseWeekdays(days)
  const [fromHour = 0, fromRest = 0, untilHour = 0, untilRest = 0] = times.map(Number)
  const fromMinute = fromHour * 60 + fromRest
  const untilMinute = untilHour * 60 + untilRest
  if (!weekdays || untilMinute > MINUTES_OF_DAY || fromMinute >= untilMinute) return undefined
  return { weekdays, fromMinute, untilMinute }
}

/** Whether any of the hours holds at a local time. */
export function isOpenAt(
  open: readonly OpeningHours[],
  { weekday, minuteOfDay }: LocalTime,
): boolean {
  for (const { weekdays, fromMinute, untilMinute } of open) {
    const isTime = minuteOfDay >= fromMinute && minuteOfDay < untilMinute
    if (isTime && weekdays.includes(weekday)) return true
  }
  return false
}

function parseWeekdays(text: string): readonly number[] | undefined {
  const weekdays = new Set<number>()
  for (const span of text.split(',')) {
    const [first, last, ...more] = span.split('-').map((day) => DAYS.indexOf(day as 'mon'))
    const end = last ?? first
    if (first === undefined || end === undefined || more.length > 0) return undefined
    if (first < 0 || end < 0) return undefined
    const count = ((end - first + 7) % 7) + 1
    for (let day = first; day < first + count; day += 1) weekdays.add((day % 7) + 1)
  }
  return [...weekdays].toSorted((a, b) => a - b)
}

/** Whether this is an IANA time zone, such as `America/New_York`. */
export function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
