import { ADVISORY_LOCKS } from './advisory-locks.ts'
import { type Anchor, createFold, hashAnchor, NO_HASH } from './ledger-hash.ts'
import { readPages } from './pages.ts'
import type { Queryable } from './queryable.ts'

/** An anchor as it is stored; its hash in hex. */
export interface StoredAnchor extends Anchor {
  readonly hash: string
}

/** A place in the ledger up to which everything is there once the transactions before `xmax` have ended. */
export interface Horizon {
  readonly position: number
  readonly xmax: string
}

/** Entries, and what remains of those whose months were dropped: each is read along its index. */
const PLACES = `(select position, hash from settlements union all
                 select position, hash from ledger_remains) places`

/** The most entries of one anchor. */
export const ANCHOR_ENTRIES_MAX = 20_000

/** Whether this transaction is the one that may add an anchor. */
export async function lockAnchors(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ isLocked: boolean }>(
    `select pg_try_advisory_xact_lock($1) "isLocked"`,
    [ADVISORY_LOCKS.anchors],
  )
  return rows[0]?.isLocked ?? false
}

/**
 * The last place that was given out, and a transaction id above those of all who were given one. Two
 * statements, in this order: whoever got a place has an id by then.
 */
export async function readHorizon(db: Queryable): Promise<Horizon> {
  const places = await db.query<{ position: number }>(
    `select case when is_called then last_value else 0 end "position" from ledger_positions`,
  )
  const ids = await db.query<{ xmax: string }>(
    `select pg_snapshot_xmax(pg_current_snapshot())::text "xmax"`,
  )
  return { position: places.rows[0]?.position ?? 0, xmax: ids.rows[0]?.xmax ?? '0' }
}

/** Whether every transaction that may have a place below the horizon has ended. */
export async function isPassed(db: Queryable, { xmax }: Horizon): Promise<boolean> {
  const { rows } = await db.query<{ isPassed: boolean }>(
    `select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 "isPassed"`,
    [xmax],
  )
  return rows[0]?.isPassed ?? false
}

/**
 * Anchors the entries after the last anchor up to `toPosition`, at most {@link ANCHOR_ENTRIES_MAX} of them. The
 * caller holds the lock and knows that no entry will still appear there. Undefined if there are none.
 */
export async function addAnchor(
  db: Queryable,
  toPosition: number,
): Promise<StoredAnchor | undefined> {
  const [last] = await listAnchors(db, { newest: true })
  const { rows } = await db.query<{ position: number; hash: string }>(
    `select position, encode(hash, 'hex') hash from ${PLACES}
      where position > $1 and position <= $2 order by position limit $3`,
    [last?.toPosition ?? 0, toPosition, ANCHOR_ENTRIES_MAX],
  )
  const newest = rows.at(-1)
  if (!newest) return undefined
  const fold = createFold()
  for (const { hash } of rows) fold.add(hash)
  const anchor: Anchor = {
    anchor: (last?.anchor ?? 0) + 1,
    toPosition: newest.position,
    entries: rows.length,
    entriesHash: fold.digest(),
    previousHash: last?.hash ?? NO_HASH,
  }
  const hash = hashAnchor(anchor)
  await db.query(
    `insert into ledger_anchors (anchor, to_position, entries, entries_hash, previous_hash, hash)
     values ($1, $2, $3, decode($4, 'hex'), decode($5, 'hex'), decode($6, 'hex'))`,
    [
      anchor.anchor,
      anchor.toPosition,
      anchor.entries,
      anchor.entriesHash,
      anchor.previousHash,
      hash,
    ],
  )
  return { ...anchor, hash }
}

/** All anchors in their order, or the newest alone. */
export async function listAnchors(
  db: Queryable,
  { newest = false }: { readonly newest?: boolean } = {},
): Promise<readonly StoredAnchor[]> {
  const { rows } = await db.query<StoredAnchor>(
    `select anchor, to_position "toPosition", entries, encode(entries_hash, 'hex') "entriesHash",
            encode(previous_hash, 'hex') "previousHash", encode(hash, 'hex') "hash"
       from ledger_anchors order by anchor ${newest ? 'desc limit 1' : ''}`,
  )
  return rows
}

/** The hash of an entry and its place. */
export interface Placed {
  readonly position: number
  readonly hash: string
}

const PAGE = 10_000

/** The hashes of all entries in the order of their places, a page at a time; dropped months are among them. */
export function readPlaces(db: Queryable): AsyncGenerator<readonly Placed[]> {
  return readPages<Placed>(async (last) => {
    const { rows } = await db.query<Placed>({
      name: 'read-places',
      text: `select position, encode(hash, 'hex') hash from ${PLACES}
              where position > $1 order by position limit $2`,
      values: [last?.position ?? 0, PAGE],
    })
    return rows
  })
}

/** What remains of the entries of dropped months, in the order of their places, a page at a time. */
export function readRemains(db: Queryable): AsyncGenerator<readonly Placed[]> {
  return readPages<Placed>(async (last) => {
    const { rows } = await db.query<Placed>({
      name: 'read-remains',
      text: `select position, encode(hash, 'hex') hash from ledger_remains
              where position > $1 order by position limit $2`,
      values: [last?.position ?? 0, PAGE],
    })
    return rows
  })
}

/** Of how many entries only place and hash remain. */
export async function countRemains(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    'select count(*)::int "count" from ledger_remains',
  )
  return rows[0]?.count ?? 0
}
