import { describe, expect, it } from 'vitest'
import { createRateLimiter, networkOf } from '../../src/http/rate-limit.ts'

describe('createRateLimiter', () => {
  it('lets a burst through, then one request each time a token has come back (B7)', () => {
    const limiter = createRateLimiter({ perSecond: 2, burst: 3 })
    const waits = [0, 0, 0, 0, 250, 500, 500].map((nowMs) => limiter.take('a', nowMs))
    expect(waits).toEqual([0, 0, 0, 500, 250, 0, 500])
  })

  it('counts each name for itself', () => {
    const limiter = createRateLimiter({ perSecond: 1, burst: 1 })
    expect([limiter.take('a', 0), limiter.take('b', 0), limiter.take('a', 0)]).toEqual([0, 0, 1000])
  })

  it('tells the wait without taking a token', () => {
    const limiter = createRateLimiter({ perSecond: 1, burst: 1 })
    expect([limiter.peek('a', 0), limiter.peek('a', 0), limiter.take('a', 0)]).toEqual([0, 0, 0])
    expect(limiter.peek('a', 0)).toBe(1000)
  })

  it('never holds more than the burst, however long nobody came', () => {
    const limiter = createRateLimiter({ perSecond: 1, burst: 2 })
    limiter.take('a', 0)
    const waits = [0, 0, 0].map(() => limiter.take('a', 1_000_000))
    expect(waits).toEqual([0, 0, 1000])
  })

  it('forgets the name that was used longest ago when there are too many', () => {
    const limiter = createRateLimiter({ perSecond: 1, burst: 1 }, 1)
    limiter.take('a', 0)
    limiter.take('b', 0)
    limiter.take('a', 0) // used again, so b is the oldest
    limiter.take('c', 0)
    expect([limiter.peek('a', 0), limiter.peek('b', 0), limiter.peek('c', 0)]).toEqual([
      1000, 0, 1000,
    ])
  })
})

describe('networkOf', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('takes %s as part of %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})
