/** A map that forgets its oldest entries once it holds more than it may, whatever strangers put into it. */
export interface BoundedMap<Value> {
  readonly get: (key: string) => Value | undefined
  /** Puts the entry last in the row of those to be forgotten. */
  readonly set: (key: string, value: Value) => void
  readonly delete: (key: string) => void
}

export function createBoundedMap<Value>(sizeMax: number): BoundedMap<Value> {
  const entries = new Map<string, Value>()
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      entries.delete(key)
      entries.set(key, value)
      const [oldest] = entries.keys()
      if (entries.size > sizeMax && oldest !== undefined) entries.delete(oldest)
    },
    delete(key) {
      entries.delete(key)
    },
  }
}
