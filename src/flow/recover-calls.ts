import { type CallEnded, lockCalls } from '../db/calls.ts'
import { readClock } from '../db/clock.ts'
import { isConnectionFailure } from '../db/pool.ts'
import { findHeldCalls, forgetProcesses, type LostCall, lockLostCalls } from '../db/processes.ts'
import type { Queryable } from '../db/queryable.ts'
import { afterClosing, type Closed, closeCalls } from './end-call.ts'
import type { FlowDeps } from './flow-deps.ts'

/** A process that has not beaten for so long is dead: four beats missed. */
const STALE_SECONDS = 20
const BATCH_MAX = 200
const SET_ASIDE_MS = 60_000

/**
 * Closes the live calls of processes that are gone, at their last heartbeat, and settles them like any
 * other call. Returns how many it closed; a full batch means that there may be more.
 */
export async function recoverCalls(
  deps: FlowDeps,
  staleSeconds: number = STALE_SECONDS,
  setAside: SetAside = createSetAside(),
): Promise<{ closed: number; isFull: boolean }> {
  const search = { staleSeconds, limit: BATCH_MAX, except: setAside.all() }
  let lost: readonly LostCall[] = []
  try {
    const closed = await deps.database.transaction(async (db) => {
      lost = await lockLostCalls(db, search)
      if (lost.length > 0) return closeAsSeen(db, deps, lost)
      await forgetProcesses(db, staleSeconds)
      return { open: [], endedBefore: new Map(), queued: 0 }
    })
    afterClosing(deps, closed)
    return { closed: closed.open.length, isFull: closed.open.length === BATCH_MAX }
  } catch (error) {
    if (lost.length === 0 || isConnectionFailure(error)) throw error
    const closed = await closeOneByOne(deps, lost, setAside)
    return { closed: closed.length, isFull: closed.length > 0 && lost.length === BATCH_MAX }
  }
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
  const setAside = createSetAside(nowMs)
  return async () => {
    try {
      await readClock(deps.database)
      reachableSinceMs ??= nowMs()
      if (nowMs() - reachableSinceMs < STALE_SECONDS * 1000) return false
      return (await recoverCalls(deps, STALE_SECONDS, setAside)).isFull
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
  nowMs: () => number = () => performance.now(),
): () => Promise<boolean> {
  const setAside = createSetAside(nowMs)
  let lastSeenAt: ReadonlyMap<string, Date> = new Map()
  return async () => {
    const at = await readClock(deps.database)
    const held = await findHeldCalls(deps.database, processId)
    // Looked at after what is stored: a call leaves this set when its end is stored, never before.
    const known = live()
    const forgotten = held
      .filter(({ callUuid }) => !known.has(callUuid))
      .map((call) => ({ ...call, lastHeartbeatAt: lastSeenAt.get(call.callUuid) ?? null }))
    // Kept before anything can fail, and of calls that cannot be closed as well: it is how long they lasted.
    lastSeenAt = new Map([
      ...forgotten.flatMap(({ callUuid, lastHeartbeatAt }) =>
        lastHeartbeatAt ? [[callUuid, lastHeartbeatAt] as const] : [],
      ),
      ...[...known].map((callUuid) => [callUuid, at] as const),
    ])
    const except = new Set(setAside.all())
    await closeForgotten(
      deps,
      forgotten.filter(({ callUuid }) => !except.has(callUuid)),
      setAside,
    )
    return false
  }
}

async function closeForgotten(
  deps: FlowDeps,
  forgotten: readonly LostCall[],
  setAside: SetAside,
): Promise<void> {
  for (let first = 0; first < forgotten.length; first += BATCH_MAX) {
    const batch = forgotten.slice(first, first + BATCH_MAX)
    const closed = await closeTogether(deps, batch).catch((error: unknown) => {
      if (isConnectionFailure(error)) throw error
      return closeOneByOne(deps, batch, setAside)
    })
    for (const { call } of closed) deps.log.warn('call.forgotten', { call_uuid: call.callUuid })
  }
}

/** Calls that could not be closed: left alone for a minute, so that they hold up no other. */
interface SetAside {
  readonly add: (callUuid: string) => void
  readonly all: () => readonly string[]
}

function createSetAside(nowMs: () => number = () => performance.now()): SetAside {
  const untilMs = new Map<string, number>()
  return {
    add: (callUuid) => void untilMs.set(callUuid, nowMs() + SET_ASIDE_MS),
    all() {
      for (const [callUuid, ms] of untilMs) if (ms <= nowMs()) untilMs.delete(callUuid)
      return [...untilMs.keys()]
    },
  }
}

/** Each in a transaction of its own; those that fail are set aside. The ones that it closed. */
async function closeOneByOne(
  deps: FlowDeps,
  calls: readonly LostCall[],
  setAside: SetAside,
): Promise<Closed['open']> {
  const closed: Closed['open'][number][] = []
  for (const call of calls) {
    try {
      closed.push(...(await closeTogether(deps, [call])))
    } catch (error) {
      if (isConnectionFailure(error)) throw error
      deps.log.error('call.not_closed', { call_uuid: call.callUuid, error })
      setAside.add(call.callUuid)
    }
  }
  return closed
}

/** Closes those of the calls that are still open, all or none. */
async function closeTogether(deps: FlowDeps, calls: readonly LostCall[]): Promise<Closed['open']> {
  const callUuids = calls.map(({ callUuid }) => callUuid)
  const closed = await deps.database.transaction(async (db) => {
    await lockCalls(db, callUuids)
    return closeAsSeen(db, deps, calls)
  })
  afterClosing(deps, closed)
  return closed.open
}

/** Closes calls that are locked. */
async function closeAsSeen(
  db: Queryable,
  deps: FlowDeps,
  calls: readonly LostCall[],
): Promise<Closed> {
  const now = await readClock(db)
  const locked = calls.map(({ callUuid }) => callUuid)
  return closeCalls(db, deps, { locked, ended: calls.map(endOf), legs: [], now })
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
