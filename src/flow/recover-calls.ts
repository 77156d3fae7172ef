import { type CallEnded, lockCalls } from '../db/calls.ts'
import { readClock } from '../db/clock.ts'
import { findHeldCalls, forgetProcesses, type LostCall, lockLostCalls } from '../db/processes.ts'
import { afterClosing, closeCalls } from './end-call.ts'
import type { FlowDeps } from './flow-deps.ts'

/** A process that has not beaten for so long is dead: four beats missed. */
const STALE_SECONDS = 20
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

/** The calls of one process, as that process knows them. */
export interface OwnCalls {
  readonly processId: string
  /** The UUIDs of those that it is busy with, until their ends are stored. */
  readonly live: () => ReadonlySet<string>
}

/**
 * Rounds in which a process ends those of its own calls that it knows nothing of: one whose beginning was
 * committed after it was believed to have failed, or whose end could not be stored. Nobody else would, since
 * the process lives. Their ends are known to the last round that saw them.
 */
export function watchForForgottenCalls(
  deps: FlowDeps,
  { processId, live }: OwnCalls,
): () => Promise<boolean> {
  let seen = { at: new Date(0), live: new Set<string>() as ReadonlySet<string> }
  return async () => {
    const at = await readClock(deps.database)
    const held = await findHeldCalls(deps.database, processId)
    // Looked at after what is stored: a call leaves this set when its end is stored, never before.
    const now = { at, live: live() }
    const forgotten = held
      .filter(({ callUuid }) => !now.live.has(callUuid))
      .map((call) => ({ ...call, lastHeartbeatAt: seen.live.has(call.callUuid) ? seen.at : null }))
    for (let first = 0; first < forgotten.length; first += BATCH_MAX) {
      await closeForgotten(deps, forgotten.slice(first, first + BATCH_MAX))
    }
    seen = now
    return false
  }
}

async function closeForgotten(deps: FlowDeps, forgotten: readonly LostCall[]): Promise<void> {
  const closed = await deps.database.transaction(async (db) => {
    const callUuids = forgotten.map(({ callUuid }) => callUuid)
    const [locked, now] = await Promise.all([lockCalls(db, callUuids), readClock(db)])
    return closeCalls(db, deps, { locked, ended: forgotten.map(endOf), legs: [], now })
  })
  for (const { call } of closed.open) {
    deps.log.warn('call.forgotten', { call_uuid: call.callUuid })
  }
  afterClosing(deps, closed)
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
