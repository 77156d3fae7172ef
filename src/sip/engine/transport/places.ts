/** How many connections may be open at a time. */
export interface PlaceLimits {
  /** Of all sources together. */
  readonly total: number
  readonly perSource: number
  /** Of a source that the guard exempts: a trunk may open one for each of its processes. */
  readonly perExemptSource: number
}

/** Places for connections that others open to us. */
export interface Places {
  /** Takes a place and gives the way to leave it, to be called once; undefined if there is none. */
  readonly take: (address: string) => (() => void) | undefined
  /** How many are taken. */
  readonly taken: () => number
  /** How many sources have taken any. */
  readonly sources: () => number
}

/**
 * Counts connections by source, so that one that opens as many as it can takes nothing from the others.
 *
 * @param isExempt whether a source is a trusted trunk, as far as is known when it connects
 */
export function createPlaces(limits: PlaceLimits, isExempt: (address: string) => boolean): Places {
  const bySource = new Map<string, number>()
  let taken = 0
  const leave = (address: string): void => {
    const left = (bySource.get(address) ?? 0) - 1
    taken--
    if (left > 0) bySource.set(address, left)
    else bySource.delete(address)
  }
  return {
    take: (address) => {
      const ofSource = bySource.get(address) ?? 0
      const limit = isExempt(address) ? limits.perExemptSource : limits.perSource
      if (taken >= limits.total || ofSource >= limit) return undefined
      bySource.set(address, ofSource + 1)
      taken++
      return () => {
        leave(address)
      }
    },
    taken: () => taken,
    sources: () => bySource.size,
  }
}
