import { deliveryId } from '../domain/delivery.ts'
import type { AttemptEntry, DeliveryEntry } from './call-trail.ts'
import type { DeliveryName } from './delivery-resend.ts'
import type { Queryable } from './queryable.ts'

/** Which failed deliveries to list; an absent filter matches every one. */
export interface FailedFilters {
  /** The first call, as the lowest UUID that it can have. */
  readonly fromUuid?: string | undefined
  /** The first call that is not meant. */
  readonly toUuid?: string | undefined
  readonly campaignId?: string | undefined
  readonly trackingUrlId?: string | undefined
  /** With its port, as in the URL. */
  readonly host?: string | undefined
  /** Only what comes after this one, which is the last of the page before. */
  readonly before?: DeliveryName | undefined
}

/** A delivery that was given up, with its call. */
export interface FailedDelivery extends DeliveryEntry {
  readonly callUuid: string
  readonly campaignId: string
  readonly host: string
}

/**
 * Deliveries that have failed and were not sent again since, those of the newest calls first. Reads no
 * others, however many there are: the limit inside keeps each a look-up by key.
 * @see behaviour B14
 */
export async function listFailed(
  db: Queryable,
  filters: FailedFilters,
  limit: number,
): Promise<readonly FailedDelivery[]> {
  const { fromUuid, toUuid, campaignId, trackingUrlId, host, before } = filters
  const { rows } = await db.query<Omit<FailedDelivery, 'attempts'>>(
    `select call_uuid "callUuid", tracking_url_id "trackingUrlId", occurrence,
            campaign_id "campaignId", host, trigger, method, url, leg,
            missing_tokens "missingTokens", queued_at "queuedAt", state, finished_at "finishedAt"
       from failed_deliveries failed cross join lateral (
              select trigger, method, url, leg, missing_tokens, queued_at, state, finished_at
                from deliveries
               where deliveries.call_uuid = failed.call_uuid
                 and deliveries.tracking_url_id = failed.tracking_url_id
                 and deliveries.occurrence = failed.occurrence
               limit 1) delivery
      where ($1::uuid is null or call_uuid >= $1)
        and ($2::uuid is null or call_uuid < $2)
        and ($3::text is null or campaign_id = $3)
        and ($4::text is null or tracking_url_id = $4)
        and ($5::text is null or host = $5)
        and ($6::uuid is null or (call_uuid, tracking_url_id, occurrence) < ($6, $7::text, $8::int))
      order by call_uuid desc, tracking_url_id desc, occurrence desc
      limit $9`,
    [
      fromUuid,
      toUuid,
      campaignId,
      trackingUrlId,
      host,
      before?.callUuid,
      before?.trackingUrlId,
      before?.occurrence,
      limit,
    ],
  )
  const attempts = Map.groupBy(await listAttempts(db, rows), deliveryId)
  return rows.map((row) => ({ ...row, attempts: attempts.get(deliveryId(row)) ?? [] }))
}

async function listAttempts(
  db: Queryable,
  deliveries: readonly DeliveryName[],
): Promise<readonly (AttemptEntry & DeliveryName)[]> {
  if (deliveries.length === 0) return []
  const { rows } = await db.query<AttemptEntry & DeliveryName>(
    `select call_uuid "callUuid", tracking_url_id "trackingUrlId", occurrence, attempt,
            started_at "startedAt", method, status, error, duration_ms "durationMs"
       from unnest($1::uuid[], $2::text[], $3::int[]) as name (call_uuid, tracking_url_id, occurrence)
       join attempts using (call_uuid, tracking_url_id, occurrence)
      order by attempt`,
    [
      deliveries.map(({ callUuid }) => callUuid),
      deliveries.map(({ trackingUrlId }) => trackingUrlId),
      deliveries.map(({ occurrence }) => occurrence),
    ],
  )
  return rows
}
