import type { PostbackEntry } from './call-trail.ts'
import type { Queryable } from './queryable.ts'

/** Which requests to look for; an absent filter matches every one. */
export interface PostbackFilters {
  readonly campaign?: string | undefined
  readonly buyer?: string | undefined
  readonly status?: string | undefined
  readonly reason?: string | undefined
  readonly source?: string | undefined
  /** Stands somewhere in the query or body, as it was sent. */
  readonly text?: string | undefined
  /** The first instant that is looked at; a week ago unless said. */
  readonly from?: Date | undefined
  /** The first instant that is not. */
  readonly to?: Date | undefined
  /** Only those that came before this one. */
  readonly before?: string | undefined
}

const FROM = `coalesce($1::timestamptz, app_now() - interval '7 days')`
/** The last instant that a UUID can have is in the year 10889. */
const TO = `coalesce($2::timestamptz, '9999-12-31')`

/** A request with the call that it was for. */
export interface FoundPostback extends PostbackEntry {
  readonly callUuid: string
  readonly campaignId: string
  readonly buyerId: string | null
}

/**
 * The newest first. Ids are given out in the order of time and begin with it, so a page is read from the end of
 * the range by their index; a day more at each end, since ids go by the clock of the service.
 */
export async function searchPostbacks(
  db: Queryable,
  filters: PostbackFilters,
  limit: number,
): Promise<readonly FoundPostback[]> {
  const { rows } = await db.query<FoundPostback>(
    `select call_uuid "callUuid", campaign_id "campaignId", buyer_id "buyerId",
            postback_id "postbackId", received_at "receivedAt", source, method, query, body, leg,
            http_status "httpStatus", status, p.reason, p.conversion
       from postbacks p join calls using (call_uuid)
      where received_at >= ${FROM} and received_at < coalesce($2::timestamptz, 'infinity')
        and postback_id >= uuid_floor(greatest(${FROM} - interval '1 day', 'epoch'))
        and postback_id < least($9::uuid, uuid_floor(${TO} + interval '1 day'))
        and ($3::text is null or campaign_id = $3)
        and ($4::text is null or buyer_id = $4)
        and ($5::text is null or status = $5)
        and ($6::text is null or p.reason = $6)
        and ($7::text is null or source = $7)
        and ($8::text is null or strpos(query, $8) > 0 or strpos(body, $8) > 0)
      order by postback_id desc limit $10`,
    [
      filters.from,
      filters.to,
      filters.campaign,
      filters.buyer,
      filters.status,
      filters.reason,
      filters.source,
      filters.text,
      filters.before,
      limit,
    ],
  )
  return rows
}
