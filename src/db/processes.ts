import type { Queryable } from './queryable.ts'

/** Says that the process is alive. */
export async function beat(db: Queryable, processId: string): Promise<void> {
  await db.query({
    name: 'beat',
    text: `insert into processes (process_id) values ($1)
               on conflict (process_id) do update set heartbeat_at = app_now()`,
    values: [processId],
  })
}

/** A call whose process has stopped beating. */
export interface LostCall {
  readonly callUuid: string
  /** Null where the process is not known any more. */
  readonly lastHeartbeatAt: Date | null
  readonly startedAt: Date
  readonly answeredAt: Date | null
}

export interface LostCallSearch {
  readonly staleSeconds: number
  readonly limit: number
  /** The UUIDs of calls that are not wanted. */
  readonly except: readonly string[]
}

/**
 * Locks live calls of processes that have not beaten for `staleSeconds`, skipping those that another process
 * is closing. A process may have been forgotten while it was only paused, begin a call when it goes on, and
 * die before its next beat: such a call counts by its own beginning. Those in `except` are passed over. In no
 * order: who waits for nobody needs none, and in the order of UUIDs PostgreSQL may read every call there is.
 */
export async function lockLostCalls(
  db: Queryable,
  { staleSeconds, limit, except }: LostCallSearch,
): Promise<readonly LostCall[]> {
  const { rows } = await db.query<LostCall>({
    name: 'lock-lost-calls',
    text: `select c.call_uuid "callUuid", p.heartbeat_at "lastHeartbeatAt",
                  c.started_at "startedAt", c.answered_at "answeredAt"
             from calls c left join processes p using (process_id)
            where c.state <> 'ended'
              and coalesce(p.heartbeat_at, c.started_at) < app_now() - make_interval(secs => $1)
              and c.call_uuid <> all($3::uuid[])
            limit $2 for no key update of c skip locked`,
    values: [staleSeconds, limit, except],
  })
  return rows
}

/** A call that has not ended, as it is stored. */
export type HeldCall = Omit<LostCall, 'lastHeartbeatAt'>

/** The calls that a process holds by what is stored. */
export async function findHeldCalls(
  db: Queryable,
  processId: string,
): Promise<readonly HeldCall[]> {
  const { rows } = await db.query<HeldCall>({
    name: 'find-held-calls',
    text: `select call_uuid "callUuid", started_at "startedAt", answered_at "answeredAt"
             from calls where process_id = $1 and state <> 'ended'`,
    values: [processId],
  })
  return rows
}

/** Forgets processes that are gone and hold no call any more. */
export async function forgetProcesses(db: Queryable, staleSeconds: number): Promise<void> {
  await db.query({
    name: 'forget-processes',
    text: `delete from processes p
            where p.heartbeat_at < app_now() - make_interval(secs => $1)
              and not exists (select from calls c where c.process_id = p.process_id and c.state <> 'ended')`,
    values: [staleSeconds],
  })
}
