/** Runs work when it is its turn, and gives what the work gives. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>

/** Lets `max` works go on at once; the others wait, first come, first served. */
export function createTurns(max: number): Turns {
  const waiting: (() => void)[] = []
  let free = max
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
