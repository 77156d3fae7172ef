import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../telemetry/logger.ts'

/** Work that is done again and again until it is closed. */
export interface Loop {
  /** Waits for the round under way. */
  readonly close: () => Promise<void>
}

export interface LoopOptions {
  /** Names the loop in the log. */
  readonly name: string
  /** One round; true asks for the next one at once. */
  readonly round: () => Promise<boolean>
  readonly everyMs: number
  readonly log: Logger
}

const FAILURE_DELAY_MS_MAX = 5_000

/** Runs rounds one after the other. A round that fails is logged and tried again, ever less often. */
export function startLoop({ name, round, everyMs, log }: LoopOptions): Loop {
  const stop = new AbortController()
  const run = async () => {
    let failures = 0
    while (!stop.signal.aborted) {
      let isUrgent = false
      try {
        isUrgent = await round()
        failures = 0
      } catch (error) {
        failures++
        log.error('loop.failed', { loop: name, failures, error })
      }
      const waitMs = Math.min(everyMs * 2 ** failures, Math.max(everyMs, FAILURE_DELAY_MS_MAX))
      if (!isUrgent) await delay(waitMs, undefined, { signal: stop.signal }).catch(() => {})
    }
  }
  const over = run()
  return {
    close: () => {
      stop.abort()
      return over
    },
  }
}
