import type { Lease } from './lanes.ts'
import type { Database, Queryable } from './queryable.ts'

/** What became of an attempt, and what the lane does next. */
export interface FinishedAttempt extends Lease {
  readonly occurrence: number
  readonly next: NextStep
  readonly startedAt: Date
  /** The last one used: a HEAD that was refused may have been followed by a GET. */
  readonly method: string
  readonly status: number | undefined
  readonly error: string | undefined
  readonly durationMs: number
}

/** `done` releases the lane to the delivery behind it, `retry` keeps the same one at its head. */
export type NextStep =
  | { readonly kind: 'done'; readonly state: 'delivered' | 'failed' }
  | { readonly kind: 'retry'; readonly delaySeconds: number }

/** `stale`: the lease had ended and another worker has the lane, so nothing was stored. */
export type Finish =
  { readonly kind: 'stored'; readonly pending: number } | { readonly kind: 'stale' }

/**
 * Stores attempts and moves their lanes on; an answer for each, in order. One statement and one
 * commit for all of them, unless something was queued into one of their lanes at the same moment:
 * that statement leaves such lanes alone, as it does not see what they count now, and they are
 * locked first and stored by another.
 */
export async function finish(
  database: Database,
  finished: readonly FinishedAttempt[],
): Promise<readonly Finish[]> {
  // One order for everybody, so that two who lock the same lanes wait instead of deadlocking.
  const rows = finished.map(finishRow).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  const pending = await store(database, rows)
  const missing = rows.filter(({ token }) => !pending.has(token))
  if (missing.length > 0) {
    const late = await database.transaction(async (db) => {
      await db.query({
        name: 'lock-results',
        text: LOCK,
        values: [JSON.stringify(missing)],
      })
      return store(db, missing)
    })
    for (const [token, left] of late) pending.set(token, left)
  }
  return finished.map(({ token }) => {
    const left = pending.get(token)
    return left === undefined ? { kind: 'stale' } : { kind: 'stored', pending: left }
  })
}

/** What is left in each lane, by token; lanes that have another token by now are not in it. */
async function store(db: Queryable, rows: readonly FinishRow[]): Promise<Map<string, number>> {
  const stored = await db.query<{ token: string; pending: number }>({
    name: 'finish-attempts',
    text: FINISH,
    values: [JSON.stringify(rows)],
  })
  return new Map(stored.rows.map(({ token, pending }) => [token, pending]))
}

type FinishRow = ReturnType<typeof finishRow>

function finishRow({ next, ...attempted }: FinishedAttempt) {
  return {
    call_uuid: attempted.callUuid,
    tracking_url_id: attempted.trackingUrlId,
    token: attempted.token,
    occurrence: attempted.occurrence,
    state: next.kind === 'done' ? next.state : 'queued',
    delay_seconds: next.kind === 'done' ? 0 : next.delaySeconds,
    started_at: attempted.startedAt,
    method: attempted.method,
    status: attempted.status,
    error: attempted.error,
    duration_ms: Math.round(attempted.durationMs),
  }
}

/** As the index of lanes sorts them, and everybody who locks several. */
const keyOf = ({ call_uuid, tracking_url_id }: FinishRow): string =>
  `${call_uuid} ${tracking_url_id}`

/**
 * The lanes of `$1` that still have its tokens, locked in its order. The limit keeps this a look-up
 * by key. JSON and not arrays: PostgreSQL sees how long an array is, and for a short one it would
 * plan anew each time, which takes longer than the statement.
 */
const HELD = `
  select result.*, lane.ctid as place, lane.pending
    from jsonb_to_recordset($1::jsonb) as result (
         call_uuid uuid, tracking_url_id text, token uuid, occurrence int, state text,
         delay_seconds float8, started_at timestamptz, method text, status smallint, error text,
         duration_ms int)
   cross join lateral (
     select ctid, pending from lanes
      where lanes.call_uuid = result.call_uuid
        and lanes.tracking_url_id = result.tracking_url_id
        and lanes.token = result.token
      limit 1
        for update) lane`

const LOCK = `with held as (${HELD}) select from held`

/**
 * Lanes are changed by `ctid`, which no plan can turn into a scan of the table. A lane that goes is
 * deleted, where counting it down to 0 first would be a second version of it. Of states that are
 * named PostgreSQL expects few, and so looks deliveries up by key; where they are only said not to be
 * queued, it expects many and reads a small table from end to end. The number of an attempt is
 * counted, not taken from the lane, which starts again at 0 when an operator sends a failed delivery
 * again.
 */
export const FINISH = `
  with held as (${HELD}), emptied as (
    delete from lanes
     where ctid = any (array(select place from held where state <> 'queued' and pending = 1))
    returning token, 0 as pending
  ), kept as (
    update lanes
       set pending = lanes.pending - (held.state <> 'queued')::int,
           attempt = case held.state when 'queued' then lanes.attempt + 1 else 0 end,
           run_at  = app_now() + held.delay_seconds * interval '1 second',
           token   = null
      from held
     where lanes.ctid = any (array(select place from held where state = 'queued' or pending > 1))
       and held.token = lanes.token
    returning held.token, lanes.pending
  ), stored as (
    select held.*, left_over.pending as left_over
      from held
      join (select * from emptied union all select * from kept) left_over using (token)
  ), finished as (
    update deliveries
       set state = stored.state, finished_at = app_now()
      from stored
     where stored.state in ('delivered', 'failed')
       and deliveries.call_uuid = stored.call_uuid
       and deliveries.tracking_url_id = stored.tracking_url_id
       and deliveries.occurrence = stored.occurrence
  ), attempted as (
    insert into attempts (call_uuid, tracking_url_id, occurrence, attempt, started_at, method,
                          status, error, duration_ms)
    select call_uuid, tracking_url_id, occurrence,
           (select coalesce(max(earlier.attempt), 0) + 1
              from attempts earlier
             where earlier.call_uuid = stored.call_uuid
               and earlier.tracking_url_id = stored.tracking_url_id
               and earlier.occurrence = stored.occurrence),
           started_at, method, status, error, duration_ms
      from stored
  )
  select token, left_over as pending from stored`
