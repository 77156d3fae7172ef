import { describe, expect, it } from 'vitest'
import { findHighestRate } from '../../../src/cli/bench/throughput.ts'

describe('findHighestRate', () => {
  it.each([
    { name: 'finds the limit to an eighth of the gap', limit: 330, found: 325 },
    { name: 'is 0 where not even the first rate is carried', limit: 49, found: 0 },
    { name: 'ends at the maximum where everything is carried', limit: 10_000, found: 800 },
    { name: 'takes a rate that is carried exactly', limit: 100, found: 100 },
  ])('$name', async ({ limit, found }) => {
    const isCarried = (rate: number) => Promise.resolve(rate <= limit)
    expect(await findHighestRate({ first: 50, max: 800, isCarried })).toBe(found)
  })
})
