import type { Database, Queryable } from './queryable.ts'

/** One worker's hold on a lane: good until the lease ends, or until somebody else has claimed it. */
export interface Lease {
  readonly callUuid: string
  readonly trackingUrlId: string
  /** Fences: what is done under a token that has been replaced is refused. */
  readonly token: string
}

/** The delivery at the head of a leased lane, with everything that is needed to make the request. */
export interface ClaimedDelivery extends Lease {
  readonly host: string
  /** Which attempt of the schedule this is, 1 for the first. */
  readonly attempt: number
  /** By the database's clock. */
  readonly claimedAt: Date
  readonly occurrence: number
  readonly trigger: string
  readonly method: 'HEAD' | 'GET' | 'POST'
  /** With `[call_key]` in the place of the key. */
  readonly url: string
  /** JSON, with numbers as they were stored. */
  readonly body: string | null
  readonly leg: number | null
  readonly getAfterHeadRefused: boolean
  readonly campaignId: string
  readonly campaignVersion: number
}

/** How much may be claimed, and where. */
export interface ClaimRequest {
  /** Most deliveries in all. */
  readonly limit: number
  /** Most deliveries to a host that `slots` does not name. */
  readonly perHostMax: number
  /** How many a host may still be given, where that is not `perHostMax`; never negative. */
  readonly slots: ReadonlyMap<string, number>
  /** Hosts that sort after this one come first, so that no host is always last; `''` is the start. */
  readonly afterHost: string
  readonly leaseMs: number
}

/**
 * Leases due lanes to this worker and gives the delivery at the head of each: the earliest that is
 * still queued. Workers run side by side; a lease that is not finished ends by itself, and the lane
 * is due again. Two statements on purpose: only the second is sure to see what the worker who held
 * the lane before has finished. The caps hold for one process, as `slots` is what it has in flight.
 */
export async function claimDue(
  db: Database,
  request: ClaimRequest,
): Promise<readonly ClaimedDelivery[]> {
  const { limit, perHostMax, slots, afterHost, leaseMs } = request
  const leases = await db.query<LeasedLane>({
    name: 'claim-lanes',
    text: CLAIM,
    values: [limit, afterHost, JSON.stringify(Object.fromEntries(slots)), perHostMax, leaseMs],
  })
  if (leases.rows.length === 0) return []

  const heads = await db.query<Head>({
    name: 'read-lane-heads',
    text: READ_HEADS,
    values: [JSON.stringify(leases.rows)],
  })
  const headOf = new Map(heads.rows.map((head) => [keyOf(head), head]))
  const found = leases.rows.map((lane) => ({ lane, head: headOf.get(keyOf(lane)) }))
  await recount(
    db,
    found.flatMap(({ lane, head }) => (head ? [] : [lane])),
  )
  return found.flatMap(({ lane, head }) => (head ? [{ ...lane, ...head }] : []))
}

type LeasedLane = Pick<
  ClaimedDelivery,
  'callUuid' | 'trackingUrlId' | 'token' | 'host' | 'attempt' | 'claimedAt'
>
type Head = Omit<ClaimedDelivery, Exclude<keyof LeasedLane, 'callUuid' | 'trackingUrlId'>>

/**
 * Walks from host to host along the index `lanes_due`, starting after `$2` and coming round, and
 * takes the longest due lanes of each; stops as soon as it has enough. Lanes are updated by `ctid`,
 * which no plan can turn into a scan of the table, statistics or not.
 */
export const CLAIM = `
  with recursive ahead as (
    (select host from lanes where pending > 0 and host > $2 order by host limit 1)
    union all
    select next.host
      from ahead
     cross join lateral (
       select host from lanes where pending > 0 and host > ahead.host order by host limit 1) next
  ), behind as (
    (select host from lanes where pending > 0 and host <= $2 order by host limit 1)
    union all
    select next.host
      from behind
     cross join lateral (
       select host from lanes
        where pending > 0 and host > behind.host and host <= $2 order by host limit 1) next
  ), due as (
    select lane.ctid
      from (select host from ahead union all select host from behind) hosts
     cross join lateral (
       select ctid from lanes
        where pending > 0 and host = hosts.host and run_at <= app_now()
        order by run_at
        limit coalesce(($3::jsonb ->> hosts.host)::bigint, $4::bigint)
          for update skip locked) lane
     limit $1
  )
  update lanes
     set run_at = app_now() + $5::float8 * interval '1 millisecond', token = gen_random_uuid()
   where ctid = any (array(select ctid from due))
  returning call_uuid "callUuid", tracking_url_id "trackingUrlId", token, host,
            attempt + 1 "attempt", app_now() "claimedAt"`

/**
 * The earliest queued delivery of each lane in `$1`. JSON and not arrays: PostgreSQL sees how long an
 * array is, and for a short one it would plan anew each time, which takes longer than the statement.
 */
export const READ_HEADS = `
  select head.call_uuid "callUuid", head.tracking_url_id "trackingUrlId", occurrence, trigger,
         method, url, body::text "body", leg, get_after_head_refused "getAfterHeadRefused",
         campaign_id "campaignId", campaign_version "campaignVersion"
    from jsonb_to_recordset($1::jsonb) as lane ("callUuid" uuid, "trackingUrlId" text)
   cross join lateral (
     select * from deliveries
      where deliveries.call_uuid = lane."callUuid"
        and deliveries.tracking_url_id = lane."trackingUrlId"
        and deliveries.state = 'queued'
      order by deliveries.occurrence
      limit 1) head
   -- The limit keeps this a look-up by key, where a join might be planned as a scan of all calls.
   cross join lateral (
     select campaign_id, campaign_version from calls
      where calls.call_uuid = lane."callUuid"
      limit 1) call`

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
 * Stores attempts and moves their lanes on, in one transaction; an answer for each, in order. A
 * lane with nothing left goes in a second statement: the first waits for a concurrent enqueue and
 * then counts what it has added, which one statement that counts and deletes would not.
 */
export async function finish(
  database: Database,
  finished: readonly FinishedAttempt[],
): Promise<readonly Finish[]> {
  // One order for everybody, so that two batches wait for each other instead of deadlocking.
  const rows = finished.map(finishRow).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  const pending = await database.transaction(async (db) => {
    const stored = await db.query<{ token: string; pending: number }>({
      name: 'finish-attempts',
      text: FINISH,
      values: columns(rows, [
        'callUuid',
        'trackingUrlId',
        'token',
        'occurrence',
        'state',
        'delaySeconds',
        'startedAt',
        'method',
        'status',
        'error',
        'durationMs',
      ]),
    })
    const left = new Map(stored.rows.map((row) => [row.token, row.pending]))
    await deleteEmpty(
      db,
      rows.filter(({ token }) => left.get(token) === 0),
    )
    return left
  })
  return finished.map(({ token }) => {
    const left = pending.get(token)
    return left === undefined ? { kind: 'stale' } : { kind: 'stored', pending: left }
  })
}

function finishRow({ next, ...attempted }: FinishedAttempt) {
  return {
    ...attempted,
    state: next.kind === 'done' ? next.state : 'queued',
    delaySeconds: next.kind === 'done' ? 0 : next.delaySeconds,
    durationMs: Math.round(attempted.durationMs),
  }
}

// The number of an attempt is counted, not taken from the lane, which starts again at 0 when an
// operator sends a failed delivery again.
const FINISH = `
  with result as (
    select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::int[], $5::text[], $6::float8[],
                         $7::timestamptz[], $8::text[], $9::smallint[], $10::text[], $11::int[])
      as result (call_uuid, tracking_url_id, token, occurrence, state, delay_seconds,
                 started_at, method, status, error, duration_ms)
  ), lane as (
    update lanes
       set pending = lanes.pending - (result.state <> 'queued')::int,
           attempt = case result.state when 'queued' then lanes.attempt + 1 else 0 end,
           run_at  = app_now() + result.delay_seconds * interval '1 second',
           token   = null
      from result
     where lanes.call_uuid = result.call_uuid
       and lanes.tracking_url_id = result.tracking_url_id
       and lanes.token = result.token
    returning result.*, lanes.pending
  ), finished as (
    update deliveries
       set state = lane.state, finished_at = app_now()
      from lane
     where lane.state <> 'queued'
       and deliveries.call_uuid = lane.call_uuid
       and deliveries.tracking_url_id = lane.tracking_url_id
       and deliveries.occurrence = lane.occurrence
  ), attempted as (
    insert into attempts (call_uuid, tracking_url_id, occurrence, attempt, started_at, method,
                          status, error, duration_ms)
    select call_uuid, tracking_url_id, occurrence,
           (select coalesce(max(earlier.attempt), 0) + 1
              from attempts earlier
             where earlier.call_uuid = lane.call_uuid
               and earlier.tracking_url_id = lane.tracking_url_id
               and earlier.occurrence = lane.occurrence),
           started_at, method, status, error, duration_ms
      from lane
  )
  select token, pending from lane`

/**
 * Gives lanes back before their lease ends, due at once and with no attempt counted: what was sent,
 * if anything was, will be sent again under the same delivery id. Leases lost already are left alone.
 */
export async function release(db: Queryable, leases: readonly Lease[]): Promise<void> {
  if (leases.length === 0) return
  await db.query({
    name: 'release-lanes',
    text: `update lanes
              set run_at = app_now(), token = null
             from unnest($1::uuid[], $2::text[], $3::uuid[])
                  as lease (call_uuid, tracking_url_id, token)
            where lanes.call_uuid = lease.call_uuid
              and lanes.tracking_url_id = lease.tracking_url_id
              and lanes.token = lease.token`,
    values: columns(leases, ['callUuid', 'trackingUrlId', 'token']),
  })
}

/**
 * Corrects lanes that count deliveries which are no longer there, as after old months have been
 * dropped; otherwise they would be leased for ever. Locks first and counts in the next statement.
 */
async function recount(database: Database, leases: readonly Lease[]): Promise<void> {
  if (leases.length === 0) return
  const values = columns(leases, ['callUuid', 'trackingUrlId', 'token'])
  await database.transaction(async (db) => {
    await db.query(
      `select from lanes
         join unnest($1::uuid[], $2::text[], $3::uuid[]) as lease (call_uuid, tracking_url_id, token)
        using (call_uuid, tracking_url_id, token)
          for update of lanes`,
      values,
    )
    await db.query(
      `update lanes
          set pending = (select count(*) from deliveries
                          where deliveries.call_uuid = lanes.call_uuid
                            and deliveries.tracking_url_id = lanes.tracking_url_id
                            and deliveries.state = 'queued'),
              run_at = app_now(), token = null
         from unnest($1::uuid[], $2::text[], $3::uuid[]) as lease (call_uuid, tracking_url_id, token)
        where lanes.call_uuid = lease.call_uuid
          and lanes.tracking_url_id = lease.tracking_url_id
          and lanes.token = lease.token`,
      values,
    )
    await deleteEmpty(db, leases)
  })
}

async function deleteEmpty(
  db: Queryable,
  lanes: readonly Pick<Lease, 'callUuid' | 'trackingUrlId'>[],
): Promise<void> {
  if (lanes.length === 0) return
  await db.query({
    name: 'delete-empty-lanes',
    text: `delete from lanes
            using unnest($1::uuid[], $2::text[]) as empty (call_uuid, tracking_url_id)
            where lanes.call_uuid = empty.call_uuid
              and lanes.tracking_url_id = empty.tracking_url_id
              and lanes.pending = 0`,
    values: columns(lanes, ['callUuid', 'trackingUrlId']),
  })
}

/** Rows turned into one array a column, for `unnest`. */
function columns<Row>(rows: readonly Row[], names: readonly (keyof Row)[]): unknown[][] {
  return names.map((name) => rows.map((row) => row[name] ?? null))
}

function keyOf({ callUuid, trackingUrlId }: Pick<Lease, 'callUuid' | 'trackingUrlId'>): string {
  return `${callUuid} ${trackingUrlId}`
}
