import type { CallLimits, Trunk } from '../domain/campaign.ts'
import { createBoundedMap } from '../domain/bounded-map.ts'

/** What there is too much of. */
export type LimitReason =
  | 'too_many_calls'
  | 'too_many_calls_per_second'
  | 'too_many_calls_of_caller'
  | 'too_many_calls_per_second_of_caller'
  | 'too_many_calls_to_number'
  | 'too_many_calls_per_second_to_number'

/** A call that wants to be let in. */
export interface Entrance {
  readonly trunk: Trunk | undefined
  /** E.164; undefined where it is withheld and the trunk does not assert it: such callers are not counted. */
  readonly caller: string | undefined
  /** The tracking number, in E.164. */
  readonly dialled: string
}

export type Entry =
  | { readonly kind: 'entered'; readonly leave: () => void }
  | { readonly kind: 'refused'; readonly reason: LimitReason }

/** Counts the calls of trunks in this process; with several processes each has the whole limit. */
export interface TrunkLimits {
  /** Takes a place for a call, of its trunk, its caller and the number that it dials, or none at all. */
  readonly enter: (entrance: Entrance) => Entry
}

/** Something that calls are counted of. */
interface Counted {
  readonly key: string
  readonly limits: CallLimits
  readonly tooMany: LimitReason
  readonly tooFast: LimitReason
}

/** What has been taken from a bucket and has not come back: how many fit into it each trunk says for itself. */
interface Bucket {
  readonly taken: number
  readonly countedAtMs: number
}

/** Callers' numbers are what strangers say they are. The oldest are forgotten: theirs is the fullest bucket. */
const BUCKETS_MAX = 50_000

/**
 * A bucket of tokens as large as one second's calls, and a count of live calls, for each trunk, each caller of it and
 * each tracking number. What is kept grows with the calls that are up and, where a rate is limited, up to a bound.
 * @param nowMs a clock in milliseconds that never goes back
 */
export function createTrunkLimits(nowMs: () => number): TrunkLimits {
  const live = new Map<string, number>()
  const buckets = createBoundedMap<Bucket>(BUCKETS_MAX)
  const liveOf = ({ key }: Counted) => live.get(key) ?? 0
  const isFull = (counted: Counted) =>
    liveOf(counted) >= (counted.limits.concurrentMax ?? Number.POSITIVE_INFINITY)
  const isTooFast = (counted: Counted) => tokensIn(buckets.get(counted.key), counted, nowMs()) < 1
  const take = (counted: Counted) => {
    live.set(counted.key, liveOf(counted) + 1)
    if (counted.limits.callsPerSecondMax === undefined) return
    const countedAtMs = nowMs()
    const left = tokensIn(buckets.get(counted.key), counted, countedAtMs) - 1
    buckets.set(counted.key, { taken: sizeOf(counted) - left, countedAtMs })
  }
  const giveBack = (counted: Counted) => {
    const left = liveOf(counted) - 1
    if (left > 0) live.set(counted.key, left)
    else live.delete(counted.key)
  }

  return {
    enter(entrance) {
      const all = countedOf(entrance)
      const full = all.find(isFull)
      if (full) return { kind: 'refused', reason: full.tooMany }
      const fast = all.find(isTooFast)
      if (fast) return { kind: 'refused', reason: fast.tooFast }
      all.forEach(take)
      return { kind: 'entered', leave: once(() => all.forEach(giveBack)) }
    },
  }
}

/**
 * Numbers are ours, and counted over all trunks. Callers' numbers are what their trunk says: whoever makes them up on
 * one trunk keeps nobody out on another.
 */
function countedOf({ trunk, caller, dialled }: Entrance): readonly Counted[] {
  if (!trunk) return []
  const { trunkId, perCaller, perNumber } = trunk
  const ofTrunk: Counted = {
    key: trunkId,
    limits: trunk,
    tooMany: 'too_many_calls',
    tooFast: 'too_many_calls_per_second',
  }
  const ofNumber: Counted = {
    key: `to ${dialled}`,
    limits: perNumber,
    tooMany: 'too_many_calls_to_number',
    tooFast: 'too_many_calls_per_second_to_number',
  }
  if (caller === undefined) return [ofTrunk, ofNumber]
  const ofCaller: Counted = {
    key: `${trunkId} from ${caller}`,
    limits: perCaller,
    tooMany: 'too_many_calls_of_caller',
    tooFast: 'too_many_calls_per_second_of_caller',
  }
  return [ofTrunk, ofCaller, ofNumber]
}

/** At least one fits into a bucket, however slowly it fills. */
const sizeOf = ({ limits }: Counted) =>
  Math.max(1, limits.callsPerSecondMax ?? Number.POSITIVE_INFINITY)

/** Below zero where a trunk that lets more in has taken more than fits into this one's. */
function tokensIn(bucket: Bucket | undefined, counted: Counted, nowMs: number): number {
  const rate = counted.limits.callsPerSecondMax
  if (!bucket || rate === undefined) return sizeOf(counted)
  const regained = ((nowMs - bucket.countedAtMs) / 1_000) * rate
  return sizeOf(counted) - Math.max(0, bucket.taken - regained)
}

function once(work: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) work()
    isDone = true
  }
}
