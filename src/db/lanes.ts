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
 * is due again. The caps hold for one process, as `slots` is what it has in flight.
 */
export async function claimDue(
  db: Database,
  request: ClaimRequest,
): Promise<readonly ClaimedDelivery[]> {
  const { limit, perHostMax, slots, afterHost, leaseMs } = request
  const leased = await db.query<LeasedLane>({
    name: 'claim-lanes',
    text: CLAIM,
    values: [limit, afterHost, JSON.stringify(Object.fromEntries(slots)), perHostMax, leaseMs],
  })
  const claimed = leased.rows.filter(hasHead)
  if (claimed.length < leased.rows.length) {
    await recount(
      db,
      leased.rows.filter((lane) => !hasHead(lane)),
    )
  }
  return claimed
}

/** A lane may count deliveries that are no longer there. */
type LeasedLane = ClaimedDelivery | (Lease & { readonly occurrence: null })

const hasHead = (lane: LeasedLane): lane is ClaimedDelivery => lane.occurrence !== null

/**
 * Walks from host to host along the index `lanes_due`, starting after `$2` and coming round, and
 * takes the longest due lanes of each; stops as soon as it has enough. Lanes are updated by `ctid`,
 * which no plan can turn into a scan of the table, statistics or not.
 *
 * By `ctid` also because of what runs at the same time: a lane that somebody has changed since this
 * statement began has a version that it does not see, so it is locked and left alone. Hence whoever
 * held a leased lane before has finished in what this statement sees, and its head is right. The
 * limits keep heads and calls a look-up by key, where a join might be planned as a scan.
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
  ), leased as (
    update lanes
       set run_at = app_now() + $5::float8 * interval '1 millisecond', token = gen_random_uuid()
     where ctid = any (array(select ctid from due))
    returning call_uuid, tracking_url_id, token, host, attempt + 1 as attempt
  )
  select leased.call_uuid "callUuid", leased.tracking_url_id "trackingUrlId", token, host, attempt,
         app_now() "claimedAt", occurrence, trigger, method, url, body::text "body", leg,
         get_after_head_refused "getAfterHeadRefused", campaign_id "campaignId",
         campaign_version "campaignVersion"
    from leased
    left join lateral (
      select * from deliveries
       where deliveries.call_uuid = leased.call_uuid
         and deliveries.tracking_url_id = leased.tracking_url_id
         and deliveries.state = 'queued'
       order by deliveries.occurrence
       limit 1) head on true
    left join lateral (
      select campaign_id, campaign_version from calls
       where calls.call_uuid = leased.call_uuid
       limit 1) call on true`

/**
 * Gives lanes back before their lease ends, due at once and with no attempt counted: what was sent,
 * if anything was, will be sent again under the same delivery id. Leases lost already are left alone.
 */
export async function release(db: Queryable, leases: readonly Lease[]): Promise<void> {
  if (leases.length === 0) return
  await db.query({ name: 'release-lanes', text: RELEASE, values: [leaseRows(leases)] })
}

const HELD = `
  select held.ctid
    from jsonb_to_recordset($1::jsonb) as lease (call_uuid uuid, tracking_url_id text, token uuid)
   cross join lateral (
     select ctid from lanes
      where lanes.call_uuid = lease.call_uuid
        and lanes.tracking_url_id = lease.tracking_url_id
        and lanes.token = lease.token
      limit 1
        for update) held`

const RELEASE = `
  update lanes set run_at = app_now(), token = null where ctid = any (array(${HELD}))`

/**
 * Corrects lanes that count deliveries which are no longer there, as after old months have been
 * dropped; otherwise they would be leased for ever. Locks first and counts in the next statement.
 */
async function recount(database: Database, leases: readonly Lease[]): Promise<void> {
  const values = [leaseRows(leases)]
  await database.transaction(async (db) => {
    await db.query({ name: 'lock-lanes', text: HELD, values })
    await db.query({ name: 'recount-lanes', text: RECOUNT, values })
    await db.query({ name: 'delete-empty-lanes', text: DELETE_EMPTY, values })
    await release(db, leases)
  })
}

const RECOUNT = `
  update lanes
     set pending = (select count(*) from deliveries
                     where deliveries.call_uuid = lanes.call_uuid
                       and deliveries.tracking_url_id = lanes.tracking_url_id
                       and deliveries.state = 'queued')
   where ctid = any (array(${HELD}))`

const DELETE_EMPTY = `
  delete from lanes where ctid = any (array(${HELD})) and pending = 0`

const leaseRows = (leases: readonly Lease[]): string =>
  JSON.stringify(
    leases.map(({ callUuid, trackingUrlId, token }) => ({
      call_uuid: callUuid,
      tracking_url_id: trackingUrlId,
      token,
    })),
  )
