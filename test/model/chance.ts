/** Chance that can be had again: the same seed gives the same history. */
export interface Chance {
  /** A whole number from 0 to `below` - 1. */
  readonly below: (below: number) => number
  readonly oneOf: <T>(choices: readonly [T, ...T[]]) => T
  /** True in `share` (0 to 1) of all cases. */
  readonly isLucky: (share: number) => boolean
}

/** @see https://en.wikipedia.org/wiki/Xorshift */
export function createChance(seed: number): Chance {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    oneOf: (choices) => choices[below(choices.length)] ?? choices[0],
    isLucky: (share) => next() < share,
  }
}
