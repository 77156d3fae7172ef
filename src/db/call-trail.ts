import type { ConversionState, Decision, SettlementReason } from '../domain/settlement.ts'
import type { Trigger } from '../domain/tracking-url.ts'
import { formatMoney, type Money } from './call-records.ts'
import type { Queryable } from './queryable.ts'

/** A request to `set_value`, as it was answered. @see behaviour B15 */
export interface PostbackEntry {
  readonly postbackId: string
  readonly receivedAt: Date
  readonly source: string
  readonly method: string
  /** Without the key, as is `body`. */
  readonly query: string
  readonly body: string
  readonly leg: number | null
  readonly httpStatus: number
  readonly status: string
  readonly reason: string
  /** The call's state after it; `unchanged` where the request was turned away unread. */
  readonly conversion: ConversionState | 'unchanged'
}

/** In the order they came. */
export async function listPostbacks(
  db: Queryable,
  callUuid: string,
): Promise<readonly PostbackEntry[]> {
  const { rows } = await db.query<PostbackEntry>(
    `select postback_id "postbackId", received_at "receivedAt", source, method, query, body, leg,
            http_status "httpStatus", status, reason, conversion
       from postbacks where call_uuid = $1::uuid order by postback_id`,
    [callUuid],
  )
  return rows
}

/** One entry of the ledger. */
export interface SettlementEntry extends Money {
  readonly revision: number
  readonly kind: Decision['kind']
  readonly conversion: Decision['conversion']
  readonly reason: SettlementReason
  readonly campaignVersion: number
  readonly groupId: string | null
  readonly conversionName: string | null
  readonly payoutClamped: boolean
  readonly postbackId: string | null
  readonly postbackValue: string | null
  readonly late: boolean
  readonly duplicate: boolean
  /** The arithmetic, a line a step. */
  readonly steps: readonly string[]
  readonly decidedAt: Date
}

/** In the order they were decided. */
export async function listSettlements(
  db: Queryable,
  callUuid: string,
): Promise<readonly SettlementEntry[]> {
  const { rows } = await db.query<SettlementEntry & { currency: string | null }>(
    `select revision, kind, conversion, reason, campaign_version "campaignVersion",
            group_id "groupId", conversion_name "conversionName", revenue, payout,
            payout_clamped "payoutClamped", postback_id "postbackId",
            postback_value "postbackValue", late, duplicate, steps, decided_at "decidedAt",
            (select definition->>'currency' from campaign_versions
              where campaign_versions.campaign_id = settlements.campaign_id
                and version = campaign_version) "currency"
       from settlements where call_uuid = $1::uuid order by revision`,
    [callUuid],
  )
  return rows.map(({ currency, ...entry }) => ({ ...entry, ...formatMoney(entry, currency) }))
}

/** A tracking URL to be fired, with every request that was made for it. */
export interface DeliveryEntry {
  readonly trackingUrlId: string
  readonly occurrence: number
  readonly trigger: Trigger
  readonly method: string
  /** With `[call_key]` in the place of the key. */
  readonly url: string
  readonly leg: number | null
  readonly missingTokens: readonly string[]
  readonly queuedAt: Date
  readonly state: 'queued' | 'delivered' | 'failed'
  readonly finishedAt: Date | null
  readonly attempts: readonly AttemptEntry[]
}

/** One request that was made for a delivery. */
export interface AttemptEntry {
  readonly trackingUrlId: string
  readonly occurrence: number
  readonly attempt: number
  readonly startedAt: Date
  readonly method: string
  readonly status: number | null
  readonly error: string | null
  readonly durationMs: number
}

/** In the order they were queued. */
export async function listDeliveries(
  db: Queryable,
  callUuid: string,
): Promise<readonly DeliveryEntry[]> {
  const deliveries = await db.query<Omit<DeliveryEntry, 'attempts'>>(
    `select tracking_url_id "trackingUrlId", occurrence, trigger, method, url, leg,
            missing_tokens "missingTokens", queued_at "queuedAt", state, finished_at "finishedAt"
       from deliveries where call_uuid = $1::uuid
      order by queued_at, tracking_url_id, occurrence`,
    [callUuid],
  )
  const attempts = await db.query<AttemptEntry>(
    `select tracking_url_id "trackingUrlId", occurrence, attempt, started_at "startedAt", method,
            status, error, duration_ms "durationMs"
       from attempts where call_uuid = $1::uuid order by attempt`,
    [callUuid],
  )
  const name = (of: { trackingUrlId: string; occurrence: number }) =>
    `${of.occurrence} ${of.trackingUrlId}`
  const byDelivery = Map.groupBy(attempts.rows, name)
  return deliveries.rows.map((delivery) => ({
    ...delivery,
    attempts: byDelivery.get(name(delivery)) ?? [],
  }))
}
