/** Whether the database answers, and how long to leave it alone when it does not. */
export interface DatabaseHealth {
  /** True from a failure until something has succeeded. */
  isAway(): boolean
  /** How long to wait before asking again; 0 while the database answers. */
  pauseMs(): number
  failed(error: unknown): void
  succeeded(): void
}

const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 2_000

/** Watches what the worker's statements come to; an outage is logged when it begins and ends. */
export function createDatabaseHealth(
  log: (event: string, fields: object) => void,
  random: () => number,
): DatabaseHealth {
  let failures = 0
  let since = 0
  return {
    isAway: () => failures > 0,
    pauseMs() {
      if (failures === 0) return 0
      const longest = Math.min(PAUSE_MS_MIN * 2 ** failures, PAUSE_MS_MAX)
      // Spread, so that several processes do not come back in the same moment.
      return longest * (0.5 + random() / 2)
    },
    failed(error) {
      failures += 1
      if (failures > 1) return
      since = performance.now()
      const message = error instanceof Error ? error.message : String(error)
      log('delivery.database_away', { error: message })
    },
    succeeded() {
      if (failures === 0) return
      failures = 0
      log('delivery.database_back', { away_ms: Math.round(performance.now() - since) })
    },
  }
}
