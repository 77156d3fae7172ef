import { NO_HASH } from './ledger-hash.ts'
import type { NamedStatement, Queryable, QueryResult } from './queryable.ts'

/** A version of a campaign that some call was begun under. */
export interface CampaignVersionId {
  readonly campaignId: string
  readonly version: number
}

/** A call whose deadline has passed. */
export interface Expired {
  readonly callUuid: string
  readonly campaignId: string
}

/** What was taken of what is due. */
export interface TakenExpired {
  readonly expired: readonly Expired[]
  /** There may be more: some was taken, and as much as is looked at in one go was due. */
  readonly isFull: boolean
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

/** Deadlines that are taken in one go: the first thousand that nobody else has taken. */
const TAKEN_MAX = 1_000

const IS_WAITING = `conversion = 'pending' and calls.settle_at <= app_now()`

/**
 * Takes away what is due of these versions, and locks its calls. Never waits, so that nobody waits for a call of
 * this batch while this waits for another one: deadlines that somebody else has taken are passed over, as are
 * calls that somebody else has locked, who either decides the call or leaves its deadline for the next round. A
 * deadline of a call that does not wait until then, or that has gone, is left over and only taken away.
 */
const takeExpired = (callsMax: number): string => `
  taken as materialized (
    select ctid as place, call_uuid from deadlines
     where ${IS_DUE} and ${IS_OF_VERSIONS}
     order by ${SLOT} limit ${TAKEN_MAX} for update skip locked
  ), expired as materialized (
    select place, calls.call_uuid, campaign_id from taken join calls using (call_uuid)
     where ${IS_WAITING} limit ${callsMax} for no key update of calls skip locked
  ), decided as (
    delete from deadlines where ctid = any (array(
           select place from expired
            union all
           select taken.place
             from taken left join expired using (place)
                        left join lateral (select true as is_waiting from calls
                                            where calls.call_uuid = taken.call_uuid and ${IS_WAITING}
                                            limit 1) call on true
            where expired.place is null and is_waiting is null))
 returning ctid as place
  )`

/** A row for each deadline that was taken away: of one call there are two if the first was moved. */
interface TakenRow {
  /** Null where the deadline was left over. */
  readonly callUuid: string | null
  readonly campaignId: string
  /** Deadlines that were looked at. */
  readonly taken: number
}

const ANSWER = `call_uuid "callUuid", campaign_id "campaignId", (select count(*)::int from taken) "taken"`

function takenOf(rows: readonly TakenRow[], callsMax: number): TakenExpired {
  const expired = new Map<string, Expired>()
  for (const { callUuid, campaignId } of rows) {
    if (callUuid !== null) expired.set(callUuid, { callUuid, campaignId })
  }
  const isFull = expired.size === callsMax || rows[0]?.taken === TAKEN_MAX
  return { expired: [...expired.values()], isFull }
}

/** Somebody is told of these, which takes five times as long a call; of more, the first would be held too long. */
const LOCKED_AT_ONCE_MAX = 200

/**
 * Locks calls of these versions whose deadline has passed, passing over those that somebody else has locked. The
 * caller decides about all of them: their deadlines are gone.
 */
export async function lockExpired(
  db: Queryable,
  versions: readonly CampaignVersionId[],
): Promise<TakenExpired> {
  const { rows } = await alongDeadlines<TakenRow>(db, {
    name: 'lock-expired',
    text: `with ${takeExpired(LOCKED_AT_ONCE_MAX)}
           select ${ANSWER} from decided left join expired using (place)`,
    values: [versionsText(versions)],
  })
  return takenOf(rows, LOCKED_AT_ONCE_MAX)
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

/**
 * Settles calls of these versions whose deadline has passed, in one statement: what `decideAtTimeout` decides
 * about a call for which nothing was posted and nothing is fired. Passes over those that somebody else has
 * locked, as {@link lockExpired} does.
 */
export async function settleExpired(
  db: Queryable,
  versions: readonly CampaignVersionId[],
): Promise<TakenExpired> {
  const { rows } = await alongDeadlines<TakenRow>(db, {
    name: 'settle-expired',
    text: SETTLE_EXPIRED,
    values: [versionsText(versions)],
  })
  return takenOf(rows, TAKEN_MAX)
}

const SETTLE_EXPIRED = `
  with ${takeExpired(TAKEN_MAX)}, clock as materialized (
    select at, ${instant('at')} at_text from date_trunc('milliseconds', app_now()) as at
  ), settled as (
    update calls
       set conversion = 'not_converted', revision = 1, reason = 'no_postback', late = false,
           duplicate = false, settled_at = at
      from (select call_uuid from expired) due, clock
     where calls.call_uuid = due.call_uuid
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
  select ${ANSWER} from decided left join expired using (place)`
