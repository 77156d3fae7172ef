/** Chance that can be had again: the same seed and name give the same number, between 0 and 1. */
export function chanceOf(seed: number, name: string): number {
  // FNV-1a, then the finisher of MurmurHash3, so that names that differ little land far apart.
  let hash = 0x811c9dc5 ^ seed
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
