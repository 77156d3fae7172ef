import { lockExpired } from '../db/calls.ts'
import { readClock } from '../db/clock.ts'
import { decideAtTimeout } from '../domain/settlement.ts'
import type { FlowDeps } from './flow-deps.ts'
import { decide, logDecisions, openCalls, storeDecisions } from './settle-call.ts'

const BATCH_MAX = 500

/**
 * Settles calls whose postback timeout has passed, by the database's clock; as many processes at once as
 * you like. Returns how many it settled: a full batch means that there may be more. @see behaviour B10
 */
export async function expirePostbacks(
  deps: FlowDeps,
): Promise<{ settled: number; isFull: boolean }> {
  const { open, queued } = await deps.database.transaction(async (db) => {
    const locked = await lockExpired(db, BATCH_MAX)
    if (locked.length === 0) return { open: [], queued: 0 }
    const now = await readClock(db)
    const open = [...(await openCalls(db, deps, locked)).values()]
    for (const one of open) decide(one, decideAtTimeout(one.group))
    return { open, queued: await storeDecisions(db, deps, open, now) }
  })
  logDecisions(deps, open)
  if (queued > 0) deps.wakeDelivery()
  return { settled: open.length, isFull: open.length === BATCH_MAX }
}
