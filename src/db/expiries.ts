import { NO_HASH } from './ledger-hash.ts'
import type { NamedStatement, Queryable, QueryResult } from './queryable.ts'

/** A version of a campaign that some call was begun under. */
export interface CampaignVersionId {
  readonly campaignId: string
  readonly version: number
}

/** A call that was settled as not converted. */
export interface Expired {
  readonly callUuid: string
  readonly campaignId: string
}

const LOOKED_AT_MAX = 2_000

/** What the index of deadlines is ordered by. */
const SLOT = 'deadline_slot(deadlines.settle_at)'
const IS_DUE = `${SLOT} <= app_now() and deadlines.settle_at <= app_now()`

/**
 * Under which rules the calls were begun whose deadline has passed: of the first few thousand of them. In a
 * transaction, as is everything here.
 */
export async function findDueVersions(db: Queryable): Promise<readonly CampaignVersionId[]> {
  const { rows } = await alongDeadlines<CampaignVersionId>(db, {
    name: 'find-due-versions',
    text: `select distinct campaign_id "campaignId", campaign_version "version"
             from (select campaign_id, campaign_version from deadlines
                    where ${IS_DUE}
                    order by ${SLOT} limit ${LOOKED_AT_MAX}) due`,
  })
  return rows
}

/**
 * Reads along the index of deadlines, however many are due and whatever the statistics say: sorting all of
 * them in order to take the first few takes ten times as long.
 */
async function alongDeadlines<Row extends object>(
  db: Queryable,
  statement: NamedStatement,
): Promise<QueryResult<Row>> {
  // Sent together; an answer to the second without the first would be right as well.
  const planned = db.query('set local enable_sort = off')
  const answered = db.query<Row>(statement)
  const [, answer] = await Promise.all([planned, answered])
  return answer
}

const IS_OF_VERSIONS = `(deadlines.campaign_id || ' ' || deadlines.campaign_version) = any($1::text[])`

const versionsText = (versions: readonly CampaignVersionId[]): readonly string[] =>
  versions.map(({ campaignId, version }) => `${campaignId} ${version}`)

/** The most calls that {@link lockExpired} locks. */
export const LOCKED_AT_ONCE_MAX = 500

/** Locks calls of these versions whose deadline has passed, passing over those that somebody else has locked. */
export async function lockExpired(
  db: Queryable,
  versions: readonly CampaignVersionId[],
): Promise<readonly string[]> {
  const { rows } = await alongDeadlines<{ callUuid: string }>(db, {
    name: 'lock-expired',
    text: `select calls.call_uuid "callUuid" from deadlines join calls using (call_uuid)
            where ${IS_DUE} and ${IS_OF_VERSIONS}
              and conversion = 'pending' and calls.settle_at <= app_now()
            order by ${SLOT} limit ${LOCKED_AT_ONCE_MAX}
              for no key update of calls skip locked`,
    values: [versionsText(versions)],
  })
  return rows.map(({ callUuid }) => callUuid)
}

const instant = (column: string): string =>
  `'"' || to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"'`

/** What `canonicalEntry` writes for such an entry, character by character; a test holds the two together. */
const CANONICAL = `
  '["' || call_uuid || '",1,"settlement","not_converted","no_postback",'
       || to_json(campaign_id) || ',' || campaign_version || ',' || to_json(conversion_group_id)
       || ',null,null,null,null,false,null,null,' || coalesce(connected_ms::text, 'null')
       || ',false,false,[],' || at_text || ',' || to_json(publisher_id)
       || ',' || coalesce(to_json(buyer_id)::text, 'null') || ',' || ${instant('ended_at')}
       || ',' || ${instant('settle_at')} || ']'`

/** The most calls that {@link settleExpired} settles. */
export const SETTLED_AT_ONCE_MAX = 2_000

/** Whoever decides about a call holds its lock for milliseconds. */
const LOCK_WAIT_MAX_MS = 100

/**
 * Settles calls of these versions whose deadline has passed, in one statement: what `decideAtTimeout` decides
 * about a call for which nothing was posted and nothing is fired. Deadlines that somebody else has taken are
 * passed over, so that many may do this at once; each call is locked by its update alone, in the order of
 * UUIDs in which everybody locks several.
 * @throws an error that `isLockTimeout` knows if one of the calls stays locked
 */
export async function settleExpired(
  db: Queryable,
  versions: readonly CampaignVersionId[],
): Promise<readonly Expired[]> {
  const limited = db.query(`set local lock_timeout = ${LOCK_WAIT_MAX_MS}`)
  const settled = alongDeadlines<Expired>(db, {
    name: 'settle-expired',
    text: SETTLE_EXPIRED,
    values: [versionsText(versions)],
  })
  const [, { rows }] = await Promise.all([limited, settled])
  return rows
}

const SETTLE_EXPIRED = `
  with clock as materialized (
    select at, ${instant('at')} at_text from date_trunc('milliseconds', app_now()) as at
  ), due as materialized (
    delete from deadlines
     where ctid = any (array(
           select ctid from deadlines
            where ${IS_DUE} and ${IS_OF_VERSIONS}
            order by ${SLOT} limit ${SETTLED_AT_ONCE_MAX} for update skip locked))
 returning call_uuid
  ), settled as (
    update calls
       set conversion = 'not_converted', revision = 1, reason = 'no_postback', late = false,
           duplicate = false, settled_at = at
      from (select call_uuid from due order by call_uuid) due, clock
     where calls.call_uuid = due.call_uuid and conversion = 'pending' and settle_at <= app_now()
 returning calls.call_uuid, campaign_id, campaign_version, conversion_group_id, connected_ms,
           publisher_id, buyer_id, ended_at, settle_at, at, at_text
  ), appended as (
    insert into settlements (
           call_uuid, revision, kind, conversion, reason, campaign_id, campaign_version,
           group_id, payout_clamped, connected_ms, late, duplicate, steps, decided_at,
           publisher_id, buyer_id, ended_at, settle_at, previous_hash, hash)
    select call_uuid, 1, 'settlement', 'not_converted', 'no_postback', campaign_id,
           campaign_version, conversion_group_id, false, connected_ms, false, false, '[]', at,
           publisher_id, buyer_id, ended_at, settle_at, decode('${NO_HASH}', 'hex'),
           sha256(convert_to('${NO_HASH}' || ${CANONICAL}, 'UTF8'))
      from settled
  )
  select call_uuid "callUuid", campaign_id "campaignId" from settled`
