import type { CallEnded } from '../db/calls.ts'
import { readClock } from '../db/clock.ts'
import { forgetProcesses, type LostCall, lockLostCalls } from '../db/processes.ts'
import { afterClosing, closeCalls } from './end-call.ts'
import type { FlowDeps } from './flow-deps.ts'

/** A process that has not beaten for so long is dead: four beats missed. */
export const STALE_SECONDS = 20
const BATCH_MAX = 200

/**
 * Closes the live calls of processes that are gone, at their last heartbeat, and settles them like any
 * other call. Returns how many it closed; a full batch means that there may be more.
 */
export async function recoverCalls(
  deps: FlowDeps,
  staleSeconds: number = STALE_SECONDS,
): Promise<{ closed: number; isFull: boolean }> {
  const closed = await deps.database.transaction(async (db) => {
    const lost = await lockLostCalls(db, staleSeconds, BATCH_MAX)
    if (lost.length === 0) {
      await forgetProcesses(db, staleSeconds)
      return { open: [], queued: 0 }
    }
    const now = await readClock(db)
    const locked = lost.map(({ callUuid }) => callUuid)
    return closeCalls(db, deps, { locked, ended: lost.map(endOf), legs: [], now })
  })
  afterClosing(deps, closed)
  return { closed: closed.open.length, isFull: closed.open.length === BATCH_MAX }
}

/**
 * Rounds of {@link recoverCalls} for a database that other processes use too. A process whose database was
 * away could not beat although it lives: so nobody is held to be dead until the database has been there for
 * as long as it takes to be.
 */
export function watchForLostCalls(
  deps: FlowDeps,
  nowMs: () => number = () => performance.now(),
): () => Promise<boolean> {
  let reachableSinceMs: number | undefined
  return async () => {
    try {
      await readClock(deps.database)
      reachableSinceMs ??= nowMs()
      if (nowMs() - reachableSinceMs < STALE_SECONDS * 1000) return false
      return (await recoverCalls(deps)).isFull
    } catch (error) {
      reachableSinceMs = undefined
      throw error
    }
  }
}

/** The end is known only to the last heartbeat; a call younger than that has no length. */
function endOf({ callUuid, lastHeartbeatAt, startedAt, answeredAt }: LostCall): CallEnded {
  const latest = Math.max(
    lastHeartbeatAt?.getTime() ?? 0,
    startedAt.getTime(),
    answeredAt?.getTime() ?? 0,
  )
  return {
    callUuid,
    endedAt: new Date(latest),
    connectedMs: answeredAt ? latest - answeredAt.getTime() : undefined,
    totalMs: latest - startedAt.getTime(),
    hungUpBy: 'bridge',
    endReason: 'bridge_lost',
    sipStatus: undefined,
  }
}
