import { describe, expect, it } from 'vitest'
import { decideRetryDelay, parseRetryAfter } from '../../src/delivery/retry.ts'

const decide = (attempt: number, retryAfterSeconds?: number, random = 0.5) =>
  decideRetryDelay({ attempt, retryAfterSeconds, random })

describe('decideRetryDelay', () => {
  it.each([
    [1, 5],
    [2, 30],
    [3, 120],
    [4, 600],
    [5, 3_600],
    [6, 10_800],
    [7, 21_600],
    [8, 43_200],
    [9, 86_400],
    [10, 86_400],
    [11, undefined],
    [12, undefined],
  ])('after attempt %i waits %s seconds (B14)', (attempt, seconds) => {
    expect(decide(attempt)).toBe(seconds)
  })

  it.each([
    ['20 % less at one end', 0, 4],
    ['20 % more at the other', 1, 6],
  ])('spreads the delay: %s', (_, random, seconds) => {
    expect(decide(1, undefined, random)).toBeCloseTo(seconds, 10)
  })

  it.each([
    ['never sooner than the schedule', 2, 0, 30],
    ['never sooner than the schedule, by a second', 2, 29, 30],
    ['as long as asked', 2, 31, 31],
    ['a whole day', 2, 86_400, 86_400],
    ['never longer than a day', 2, 1e9, 86_400],
    ['not at all beyond the last attempt', 11, 60, undefined],
  ])('honours Retry-After, but %s (B14)', (_, attempt, retryAfterSeconds, seconds) => {
    expect(decide(attempt, retryAfterSeconds)).toBe(seconds)
  })
})

describe('parseRetryAfter', () => {
  const now = new Date('2026-03-01T12:00:00Z')

  it.each([
    ['0', 0],
    ['120', 120],
    [' 7 ', 7],
    ['1000000000', 1e9],
    ['Sun, 01 Mar 2026 12:01:00 GMT', 60],
    ['Sunday, 01-Mar-26 12:01:00 GMT', 60],
    ['Sun Mar  1 12:01:00 2026 GMT', 60],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    [undefined, undefined],
    ['', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['1e9', undefined],
    ['soon', undefined],
    ['2027', 2027],
    ['March', undefined],
    ['Sun, 99 Mar 2026 12:01:00 GMT', undefined],
    ['120, 240', undefined],
  ])('reads %j (RFC 9110 §10.2.3)', (text, seconds) => {
    expect(parseRetryAfter(text, now)).toBe(seconds)
  })
})
