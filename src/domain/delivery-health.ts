/** How a tracking URL has been doing. */
export interface UrlHealth {
  /** Failed attempts in a row. */
  readonly failures: number
  /** What has been told about it; `none` while there is nothing to tell. */
  readonly problem: 'none' | 'failing' | 'gone'
}

/** How one attempt went, as far as its URL is concerned. */
export type UrlOutcome = 'delivered' | 'refused_forever' | 'failed'

/** What a person is told after an attempt. */
export type HealthNews = 'nothing' | 'gone' | 'failing' | 'recovered'

/** A URL of which nothing is known. */
export const HEALTHY: UrlHealth = { failures: 0, problem: 'none' }

/**
 * From this many failures in a row a URL is called failing, and again at each tenfold. One delivery
 * alone gets there after a day; on a busy URL it is a matter of seconds.
 */
const FAILURES_WARNED = [10, 100, 1_000, 10_000, 100_000]

/**
 * The health of a URL after an attempt, and what is to be told. `410` is told each time, as it costs
 * a delivery each time; deliveries go on, since a URL that is back must lose no more than it has.
 * @see behaviour B14
 */
export function afterOutcome(
  health: UrlHealth,
  outcome: UrlOutcome,
): readonly [UrlHealth, HealthNews] {
  if (outcome === 'delivered') {
    return [HEALTHY, health.problem === 'none' ? 'nothing' : 'recovered']
  }
  const failures = health.failures + 1
  if (outcome === 'refused_forever') return [{ failures, problem: 'gone' }, 'gone']
  if (!FAILURES_WARNED.includes(failures)) return [{ ...health, failures }, 'nothing']
  return [{ failures, problem: health.problem === 'gone' ? 'gone' : 'failing' }, 'failing']
}
