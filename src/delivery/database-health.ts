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
  let countedAtMs = 0
  const longestMs = () => Math.min(PAUSE_MS_MIN * 2 ** failures, PAUSE_MS_MAX)
  return {
    isAway: () => failures > 0,
    // Spread, so that several processes do not come back in the same moment.
    pauseMs: () => (failures === 0 ? 0 : longestMs() * (0.5 + random() / 2)),
    failed(error) {
      const nowMs = performance.now()
      // Statements that were under way together fail together: that is one failure.
      if (failures > 0 && nowMs < countedAtMs + longestMs() / 2) return
      countedAtMs = nowMs
      failures += 1
      if (failures > 1) return
      since = nowMs
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
