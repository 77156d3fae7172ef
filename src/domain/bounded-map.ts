/** A map that forgets its oldest entries, so that it stays small whatever strangers put into it. */
export interface BoundedMap<Value> {
  readonly get: (key: string) => Value | undefined
  /** Puts the entry last in the row of those to be forgotten. */
  readonly set: (key: string, value: Value) => void
  readonly delete: (key: string) => void
}

/**
 * Holds the `keptMin` entries that were set last, and at most twice as many. Two generations, of which the older is
 * forgotten as a whole: to delete the first key of one `Map` again and again takes longer each time, since it
 * looks past the holes that those before it have left.
 */
export function createBoundedMap<Value>(keptMin: number): BoundedMap<Value> {
  let old = new Map<string, Value>()
  let young = new Map<string, Value>()
  return {
    get: (key) => young.get(key) ?? old.get(key),
    set(key, value) {
      if (young.size >= keptMin && !young.has(key)) {
        old = young
        young = new Map()
      }
      young.set(key, value)
    },
    delete(key) {
      young.delete(key)
      old.delete(key)
    },
  }
}
