import type { Trunk } from '../domain/campaign.ts'

export type Entry =
  | { readonly kind: 'entered'; readonly leave: () => void }
  | { readonly kind: 'too_many_calls_per_second' }
  | { readonly kind: 'too_many_calls' }

/** Counts the calls of trunks in this process; with several processes each has the whole limit. */
export interface TrunkLimits {
  /** Takes a place for a call; a trunk without limits always has one. */
  readonly enter: (trunk: Trunk | undefined) => Entry
}

interface Counter {
  tokens: number
  countedAtMs: number
  live: number
}

/**
 * A bucket of tokens for each trunk, as large as one second's calls, and a count of its live calls.
 * @param nowMs a clock in milliseconds that never goes back
 */
export function createTrunkLimits(nowMs: () => number): TrunkLimits {
  const counters = new Map<string, Counter>()
  const counterOf = (trunkId: string, rate: number): Counter => {
    const known = counters.get(trunkId)
    if (known) return known
    const counter = { tokens: rate, countedAtMs: nowMs(), live: 0 }
    counters.set(trunkId, counter)
    return counter
  }
  return {
    enter(trunk) {
      if (!trunk) return { kind: 'entered', leave: () => {} }
      const { trunkId, callsPerSecondMax, concurrentMax } = trunk
      const rate = callsPerSecondMax ?? Number.POSITIVE_INFINITY
      const counter = counterOf(trunkId, rate)
      if (counter.live >= (concurrentMax ?? Number.POSITIVE_INFINITY)) {
        return { kind: 'too_many_calls' }
      }
      if (!spend(counter, rate, nowMs())) return { kind: 'too_many_calls_per_second' }
      counter.live++
      let hasLeft = false
      const leave = () => {
        if (!hasLeft) counter.live--
        hasLeft = true
      }
      return { kind: 'entered', leave }
    },
  }
}

function spend(counter: Counter, rate: number, nowMs: number): boolean {
  if (rate === Number.POSITIVE_INFINITY) return true
  const earned = ((nowMs - counter.countedAtMs) / 1_000) * rate
  counter.tokens = Math.min(rate, counter.tokens + earned)
  counter.countedAtMs = nowMs
  if (counter.tokens < 1) return false
  counter.tokens -= 1
  return true
}
