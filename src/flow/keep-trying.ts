import { setTimeout as delay } from 'node:timers/promises'
import { isConnectionFailure } from '../db/pool.ts'

const DELAY_MS_MIN = 100
const DELAY_MS_MAX = 2_000
/** Failures that are not the connection's are most likely bugs: trying for ever would hide them. */
const OTHER_FAILURES_MAX = 5

/**
 * Runs `work` until it succeeds: for facts that have happened and must be stored, however long the database
 * is away. False if `signal` ended it, or if it kept failing for another reason than the connection; then
 * `onFailure` has been told every time.
 */
export async function keepTrying(
  work: () => Promise<unknown>,
  { signal, onFailure }: { signal: AbortSignal; onFailure: (error: unknown) => void },
): Promise<boolean> {
  let delayMs = DELAY_MS_MIN
  let otherFailures = 0
  while (!signal.aborted) {
    try {
      await work()
      return true
    } catch (error) {
      onFailure(error)
      if (!isConnectionFailure(error) && ++otherFailures === OTHER_FAILURES_MAX) return false
    }
    await delay(delayMs, undefined, { signal, ref: false }).catch(() => {})
    delayMs = Math.min(delayMs * 2, DELAY_MS_MAX)
  }
  return false
}
