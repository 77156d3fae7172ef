import { createBoundedMap } from '../domain/bounded-map.ts'

/** How fast a bucket refills and how much it holds. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** Of wrong keys of one sort: ten are a mistake, and after them an hour gives ten more. @see behaviour B7 */
export const WRONG_KEYS: Rate = { perSecond: 10 / 3_600, burst: 10 }

/** Token buckets by name, kept in memory: each process counts for itself. */
export interface RateLimiter {
  /** Takes one token. Milliseconds to wait until there is one; 0 if it was taken. */
  take(name: string, nowMs: number): number
  /** The same answer without taking anything. */
  peek(name: string, nowMs: number): number
}

interface Bucket {
  readonly tokens: number
  readonly atMs: number
}

/**
 * Limits what happens under one name to `perSecond`, after a burst. Beyond the last `namesMin` those that were
 * used longest ago are forgotten, so that nobody can fill the memory with names.
 * @param nowMs of each method: any clock that never goes back, in milliseconds
 */
export function createRateLimiter({ perSecond, burst }: Rate, namesMin = 50_000): RateLimiter {
  const buckets = createBoundedMap<Bucket>(namesMin)

  const tokensOf = (name: string, nowMs: number): number => {
    const bucket = buckets.get(name)
    if (!bucket) return burst
    return Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond)
  }
  const waitMs = (tokens: number): number => (tokens >= 1 ? 0 : ((1 - tokens) / perSecond) * 1000)

  return {
    peek: (name, nowMs) => waitMs(tokensOf(name, nowMs)),
    take(name, nowMs) {
      const tokens = tokensOf(name, nowMs)
      buckets.set(name, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs })
      return waitMs(tokens)
    },
  }
}

/**
 * The part of an address that one customer of a network cannot change at will: an IPv4 address, or
 * the first 64 bits of an IPv6 one.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail ? tail.split(':') : []
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}
