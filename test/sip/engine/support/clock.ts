import { type Clock, MACHINE_CLOCK } from '../../../../src/sip/engine/transaction/clock.ts'

/** A clock that goes with the machine's, and can be put forward. */
export interface TestClock extends Clock {
  /** Lets so much time pass at once: whatever came due has happened when it returns. */
  readonly skip: (ms: number) => void
}

/** Makes a clock for one stack. */
export function createTestClock(): TestClock {
  const ticking = new Set<() => void>()
  let skippedMs = 0
  return {
    now: () => MACHINE_CLOCK.now() + skippedMs,
    every: (intervalMs, work) => {
      const stop = MACHINE_CLOCK.every(intervalMs, work)
      ticking.add(work)
      return () => {
        ticking.delete(work)
        stop()
      }
    },
    skip: (ms) => {
      skippedMs += ms
      for (const work of ticking) work()
    },
  }
}
