/**
 * Runs work when it is its turn, and gives what the work gives. Who waits leaves the queue when `until` is aborted.
 * @throws the reason of `until`, where it was aborted before the turn came
 */
export type Turns = <T>(work: () => Promise<T>, until: AbortSignal) => Promise<T>

/** Lets `max` works go on at once; the others wait, first come, first served. */
export function createTurns(max: number): Turns {
  const waiting = new Set<() => void>()
  let free = max
  const give = () => {
    const [next] = waiting
    if (!next) free += 1
    else {
      waiting.delete(next)
      next()
    }
  }
  return async (work, until) => {
    until.throwIfAborted()
    if (free > 0) free -= 1
    else await waitAmong(waiting, until)
    try {
      return await work()
    } finally {
      give()
    }
  }
}

function waitAmong(waiting: Set<() => void>, until: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const leave = () => {
    waiting.delete(resolve)
    reject(until.reason as Error)
  }
  waiting.add(resolve)
  until.addEventListener('abort', leave, { once: true })
  return promise.finally(() => until.removeEventListener('abort', leave))
}
