import { performance } from 'node:perf_hooks'

/** The time that an engine lives by; tests have one that they can put forward. */
export interface Clock {
  /** Milliseconds that never go back. */
  readonly now: () => number
  /** Runs `work` again and again, until what it gives is called. */
  readonly every: (intervalMs: number, work: () => void) => () => void
}

/** The machine's own. */
export const MACHINE_CLOCK: Clock = {
  now: () => performance.now(),
  every: (intervalMs, work) => {
    const interval = setInterval(() => {
      // After the sockets: a response that has arrived spares the repetition of its request.
      setImmediate(work)
    }, intervalMs)
    return () => {
      clearInterval(interval)
    }
  },
}
