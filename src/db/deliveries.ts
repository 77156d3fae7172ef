import type { NewDelivery } from '../domain/delivery.ts'
import type { Queryable } from './queryable.ts'

/**
 * Puts deliveries into the outbox, in the order given, and makes their lanes due. In the transaction of the
 * fact that caused them: both are stored, or neither.
 */
export async function enqueueDeliveries(
  db: Queryable,
  deliveries: readonly NewDelivery[],
  now: Date,
): Promise<void> {
  if (deliveries.length === 0) return
  await db.query({
    name: 'enqueue-deliveries',
    text: `with new as (
             select * from rows from (jsonb_to_recordset($1::jsonb) as (
                    call_uuid uuid, tracking_url_id text, occurrence int, trigger text, method text, url text,
                    host text, body jsonb, leg smallint, get_after_head_refused boolean,
                    missing_tokens text[])) with ordinality as new (
                    call_uuid, tracking_url_id, occurrence, trigger, method, url,
                    host, body, leg, get_after_head_refused, missing_tokens, place)
           ), queued as (
             insert into deliveries (call_uuid, tracking_url_id, occurrence, trigger, method, url, body, leg,
                                     get_after_head_refused, missing_tokens, queued_at)
             select call_uuid, tracking_url_id, occurrence, trigger, method, url, body, leg,
                    get_after_head_refused, missing_tokens, $2
               from new order by place
           )
           insert into lanes (call_uuid, tracking_url_id, host, pending, run_at)
           select call_uuid, tracking_url_id, min(host), count(*),
                  $2::timestamptz + min(place) * interval '1 microsecond'
             from new group by call_uuid, tracking_url_id
            -- As the results of attempts are stored, so that the two never wait for each other.
            order by call_uuid, tracking_url_id collate "C"
               on conflict (call_uuid, tracking_url_id) do update
              set pending = lanes.pending + excluded.pending`,
    values: [
      JSON.stringify(
        deliveries.map((delivery) => ({
          call_uuid: delivery.callUuid,
          tracking_url_id: delivery.trackingUrlId,
          occurrence: delivery.occurrence,
          trigger: delivery.trigger,
          method: delivery.method,
          url: delivery.url,
          host: delivery.host,
          body: delivery.body,
          leg: delivery.leg,
          get_after_head_refused: delivery.getAfterHeadRefused,
          missing_tokens: delivery.missingTokens,
        })),
      ),
      now,
    ],
  })
}
