/** Seconds until the next attempt, after the first, second, … failed one. @see behaviour B14 */
const SCHEDULE_SECONDS = [5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400] as const

const JITTER = 0.2
const RETRY_AFTER_SECONDS_MAX = 86_400

/** What the delay is decided from. */
export interface FailedAttempt {
  /** Which attempt has failed, 1 for the first. */
  readonly attempt: number
  /** What the receiver asked for, if it did. */
  readonly retryAfterSeconds: number | undefined
  /** Between 0 and 1, spreads the attempts of deliveries that failed together. */
  readonly random: number
}

/**
 * Seconds until the next attempt; undefined if that was the last one. The schedule with ±20 %
 * jitter, or later where the receiver has asked for that: never sooner than the schedule, so that
 * `Retry-After: 0` wins nothing, and never later than a day, so that no receiver can park a lane.
 * @see behaviour B14
 */
export function decideRetryDelay({
  attempt,
  retryAfterSeconds = 0,
  random,
}: FailedAttempt): number | undefined {
  const scheduled = SCHEDULE_SECONDS[attempt - 1]
  if (scheduled === undefined) return undefined
  const jittered = scheduled * (1 + JITTER * (2 * random - 1))
  return Math.max(jittered, Math.min(retryAfterSeconds, RETRY_AFTER_SECONDS_MAX))
}

/**
 * Reads `Retry-After`: seconds, or a date, which counts from `now`; a date gone by is 0. Undefined
 * if absent or malformed.
 * @see RFC 9110 §10.2.3
 */
export function parseRetryAfter(text: string | undefined, now: Date): number | undefined {
  const value = text?.trim() ?? ''
  if (/^\d+$/.test(value)) return Number(value)
  // Date.parse reads far more than HTTP dates ("-1", "May"); all three HTTP forms begin like this.
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(value)) return undefined
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now.getTime()) / 1000)
}
