/** What clock and calendar say in a time zone. */
export interface LocalTime {
  /** 1 is Monday, 7 is Sunday (ISO 8601). */
  readonly weekday: number
  /** Since midnight, on the clock on the wall. */
  readonly minuteOfDay: number
  /** Names the hour, `2026-11-01T01-04:00`; the one that summer time repeats has two names. */
  readonly hour: string
  /** `2026-11-01` */
  readonly day: string
  /** `2026-11` */
  readonly month: string
}

const MINUTE_MS = 60_000
const formatters = new Map<string, Intl.DateTimeFormat>()
/** What was computed last for each zone: calls come many a minute, zones are few. */
const latest = new Map<string, { readonly minute: number; readonly local: LocalTime }>()

/** The local time at an instant. @param timeZone IANA name, such as `America/New_York` */
export function localTime(instant: Date, timeZone: string): LocalTime {
  const minute = Math.floor(instant.getTime() / MINUTE_MS)
  const known = latest.get(timeZone)
  if (known?.minute === minute) return known.local
  const local = computeLocalTime(minute, timeZone)
  latest.set(timeZone, { minute, local })
  return local
}

function computeLocalTime(minute: number, timeZone: string): LocalTime {
  const offsetMinutes = wallClockMinute(minute, timeZone) - minute
  const wall = new Date((minute + offsetMinutes) * MINUTE_MS)
  const text = wall.toISOString()
  return {
    weekday: ((wall.getUTCDay() + 6) % 7) + 1,
    minuteOfDay: wall.getUTCHours() * 60 + wall.getUTCMinutes(),
    hour: text.slice(0, 13) + offsetText(offsetMinutes),
    day: text.slice(0, 10),
    month: text.slice(0, 7),
  }
}

/** The minute that a clock on UTC would have to be in to show what the wall shows. */
function wallClockMinute(minute: number, timeZone: string): number {
  const parts = formatterOf(timeZone).formatToParts(minute * MINUTE_MS)
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    Number(parts.find((each) => each.type === type)?.value)
  const wallMs = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
  )
  return wallMs / MINUTE_MS
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone)
  if (known) return known
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  formatters.set(timeZone, formatter)
  return formatter
}

function offsetText(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}
