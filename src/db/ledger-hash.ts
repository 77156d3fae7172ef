import { createHash, hash } from 'node:crypto'
import { canonicalEntry, type LedgerEntry } from '../domain/ledger.ts'

/** What the first entry of a call, and the first anchor, are chained to. */
export const NO_HASH = '00'.repeat(32)

/** The hash of an entry: SHA-256, in hex, over the hash before it and the entry's fields. */
export function hashEntry(previousHash: string, entry: LedgerEntry): string {
  return hash('sha256', previousHash + canonicalEntry(entry), 'hex')
}

/** One link of the chain over the whole ledger. */
export interface Anchor {
  readonly anchor: number
  /** Covers the entries whose places are above the anchor before and up to this. */
  readonly toPosition: number
  readonly entries: number
  /** SHA-256, in hex, over the hashes of these entries in the order of their places. */
  readonly entriesHash: string
  readonly previousHash: string
}

/** The hash of an anchor: SHA-256, in hex, over the anchor before it and what it covers. */
export function hashAnchor({
  anchor,
  toPosition,
  entries,
  entriesHash,
  previousHash,
}: Anchor): string {
  const text = JSON.stringify([anchor, toPosition, entries, entriesHash, previousHash])
  return createHash('sha256').update(text).digest('hex')
}

/** Folds the hashes of entries into one, in the order given. */
export function createFold(): {
  readonly add: (hash: string) => void
  readonly digest: () => string
} {
  const fold = createHash('sha256')
  return { add: (hash) => void fold.update(hash), digest: () => fold.copy().digest('hex') }
}
