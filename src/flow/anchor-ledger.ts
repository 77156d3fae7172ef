import {
  addAnchor,
  ANCHOR_ENTRIES_MAX,
  type Horizon,
  isPassed,
  lockAnchors,
  readHorizon,
  type StoredAnchor,
} from '../db/ledger-anchors.ts'
import type { Database } from '../db/queryable.ts'
import type { Logger } from '../telemetry/logger.ts'

/**
 * Rounds that chain the ledger's new entries into one hash, as many processes at once as you like. Entries
 * get their places before they are committed, and settling must not wait for that: so a round anchors what
 * was given out by the round before, once every transaction of that time has ended. Each anchor is logged:
 * a copy of its hash outside the database is what shows that the ledger's end has been cut off.
 */
export function anchorLedger({
  database,
  log,
}: {
  readonly database: Database
  readonly log: Logger
}): () => Promise<boolean> {
  let horizon: Horizon | undefined
  return async () => {
    const anchored = await database.transaction(async (db): Promise<StoredAnchor | undefined> => {
      if (!(await lockAnchors(db))) return undefined
      const isReached = horizon !== undefined && (await isPassed(db, horizon))
      return isReached && horizon ? addAnchor(db, horizon.position) : undefined
    })
    // Places that were never filled lie at the end as well: only a full anchor leaves something behind.
    const isUrgent = anchored?.entries === ANCHOR_ENTRIES_MAX
    if (!isUrgent) horizon = await nextHorizon(database, horizon)
    if (anchored) {
      const { anchor, entries, hash } = anchored
      log.info('ledger.anchored', { anchor, entries, hash })
    }
    return isUrgent
  }
}

/** A horizon is kept until it has passed: one that moves with every round might never. */
async function nextHorizon(database: Database, current: Horizon | undefined): Promise<Horizon> {
  if (current && !(await isPassed(database, current))) return current
  return readHorizon(database)
}
