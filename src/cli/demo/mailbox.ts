/** Where things arrive that somebody is waiting for, before or after he begins to wait. */
export interface Mailbox<T> {
  readonly put: (item: T) => void
  /** The first item that fits and has not been taken; each is taken once. */
  readonly take: (fits: (item: T) => boolean) => Promise<T>
  /** What has arrived and was not taken. */
  readonly left: () => readonly T[]
}

interface Waiter<T> {
  readonly fits: (item: T) => boolean
  readonly resolve: (item: T) => void
}

/** An empty mailbox. */
export function createMailbox<T>(): Mailbox<T> {
  const items: T[] = []
  const waiters: Waiter<T>[] = []
  return {
    put(item) {
      const index = waiters.findIndex(({ fits }) => fits(item))
      const [waiter] = index < 0 ? [] : waiters.splice(index, 1)
      if (waiter) waiter.resolve(item)
      else items.push(item)
    },
    take(fits) {
      const index = items.findIndex(fits)
      const [item] = index < 0 ? [] : items.splice(index, 1)
      if (item !== undefined) return Promise.resolve(item)
      return new Promise((resolve) => waiters.push({ fits, resolve }))
    },
    left: () => [...items],
  }
}
