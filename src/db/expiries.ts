import { NO_HASH } from './ledger-hash.ts'
import type { Queryable } from './queryable.ts'

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

const LOOKED_AT_MAX = 5_000

/** Under which rules the calls were begun whose deadline has passed: of the first few thousand of them. */
export async function findDueVersions(db: Queryable): Promise<readonly CampaignVersionId[]> {
  const { rows } = await db.query<CampaignVersionId>({
    name: 'find-due-versions',
    text: `select distinct campaign_id "campaignId", campaign_version "version"
             from (select campaign_id, campaign_version from calls
                    where conversion = 'pending' and settle_at <= app_now()
                    order by settle_at limit $1) due`,
    values: [LOOKED_AT_MAX],
  })
  return rows
}

const instant = (column: string): string =>
  `'"' || to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"'`

/** What `canonicalEntry` writes for such an entry, character by character; a test holds the two together. */
const CANONICAL = `
  '[' || to_json(call_uuid::text) || ',1,"settlement","not_converted","no_postback",'
      || to_json(campaign_id) || ',' || campaign_version || ',' || to_json(conversion_group_id)
      || ',null,null,null,null,false,null,null,' || coalesce(connected_ms::text, 'null')
      || ',false,false,[],' || ${instant('at')} || ',' || to_json(publisher_id)
      || ',' || coalesce(to_json(buyer_id)::text, 'null') || ',' || ${instant('ended_at')}
      || ',' || ${instant('settle_at')} || ']'`

/**
 * Settles up to `limit` calls of these versions whose deadline has passed, in one statement: what
 * `decideAtTimeout` decides about a call for which nothing was posted and nothing is fired. All that it reads
 * stands in the row that it locks, so that it may do both at once. Skips calls that somebody else is deciding.
 */
export async function settleExpired(
  db: Queryable,
  versions: readonly CampaignVersionId[],
  limit: number,
): Promise<readonly Expired[]> {
  const { rows } = await db.query<Expired>({
    name: 'settle-expired',
    text: `with due as materialized (
             select call_uuid, campaign_id, campaign_version, conversion_group_id, connected_ms,
                    publisher_id, buyer_id, ended_at, settle_at,
                    date_trunc('milliseconds', app_now()) as at
               from calls
              where conversion = 'pending' and settle_at <= app_now() and revision = 0
                and (campaign_id || ' ' || campaign_version) = any($1::text[])
              order by settle_at limit $2
                for no key update skip locked
           ), appended as (
             insert into settlements (
                    call_uuid, revision, kind, conversion, reason, campaign_id, campaign_version,
                    group_id, payout_clamped, connected_ms, late, duplicate, steps, decided_at,
                    publisher_id, buyer_id, ended_at, settle_at, previous_hash, hash)
             select call_uuid, 1, 'settlement', 'not_converted', 'no_postback', campaign_id,
                    campaign_version, conversion_group_id, false, connected_ms, false, false, '[]', at,
                    publisher_id, buyer_id, ended_at, settle_at, decode('${NO_HASH}', 'hex'),
                    sha256(convert_to('${NO_HASH}' || ${CANONICAL}, 'UTF8'))
               from due
           )
           update calls
              set conversion = 'not_converted', revision = 1, reason = 'no_postback', late = false,
                  duplicate = false, settled_at = at
             from due
            where calls.call_uuid = due.call_uuid
        returning calls.call_uuid "callUuid", calls.campaign_id "campaignId"`,
    values: [versions.map(({ campaignId, version }) => `${campaignId} ${version}`), limit],
  })
  return rows
}
