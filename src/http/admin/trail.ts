import type {
  AttemptEntry,
  DeliveryEntry,
  PostbackEntry,
  SettlementEntry,
} from '../../db/call-trail.ts'
import type { FailedDelivery } from '../../db/failed-deliveries.ts'
import { deliveryId } from '../../domain/delivery.ts'
import { LEFT_OUT_IN_WORDS, type LeftOutBuyers } from '../../domain/left-out.ts'
import type { SettlementReason } from '../../domain/settlement.ts'

/** Why a call was settled as it was, for people. @see behaviour B15 */
const IN_WORDS: Readonly<Record<SettlementReason, string>> = {
  posted_revenue: 'The buyer posted back what the call was worth.',
  trigger: 'The buyer posted back a conversion trigger.',
  duration: 'Caller and buyer were connected long enough.',
  corrected: 'The buyer posted back another value.',
  reversed: 'The buyer took the conversion back.',
  not_connected: 'No buyer answered the call.',
  no_conversion_group: 'No conversion group of the campaign applies to this call.',
  too_short: 'Caller and buyer were not connected long enough.',
  no_postback: 'No postback that converts came before the postback timeout.',
  duplicate_caller: 'The same caller has converted before, inside the dedupe time.',
}

/** Buyers that a call was not offered to, in the API: the first of them by id. */
export function showLeftOut({ reason, buyers, count }: LeftOutBuyers): object {
  return {
    reason,
    reason_in_words: LEFT_OUT_IN_WORDS[reason],
    buyer_ids: buyers,
    count,
  }
}

/** A postback in the API; its text is kept without the key. */
export function showPostback(postback: PostbackEntry): object {
  return {
    id: postback.postbackId,
    received_at: postback.receivedAt,
    source: postback.source,
    method: postback.method,
    query: postback.query,
    body: postback.body,
    leg: postback.leg,
    http_status: postback.httpStatus,
    status: postback.status,
    reason: postback.reason,
    state: postback.conversion,
  }
}

/** An entry of the ledger in the API, with its arithmetic line by line. */
export function showSettlement(entry: SettlementEntry): object {
  return {
    revision: entry.revision,
    decided_at: entry.decidedAt,
    kind: entry.kind,
    conversion: entry.conversion,
    reason: entry.reason,
    reason_in_words: IN_WORDS[entry.reason],
    campaign_version: entry.campaignVersion,
    conversion_group_id: entry.groupId,
    conversion_name: entry.conversionName,
    revenue: entry.revenue,
    payout: entry.payout,
    payout_clamped: entry.payoutClamped,
    postback_id: entry.postbackId,
    postback_value: entry.postbackValue,
    late: entry.late,
    duplicate: entry.duplicate,
    steps: entry.steps,
  }
}

/** A delivery in the API, with its attempts; `[call_key]` stands in its URL for the key. */
export function showDelivery(callUuid: string, delivery: DeliveryEntry): object {
  return {
    ...showDeliveryAlone(callUuid, delivery),
    attempts: delivery.attempts.map(showAttempt),
  }
}

/** One that was given up, with what it is looked for by. */
export function showFailed(delivery: FailedDelivery): object {
  const { callUuid, campaignId, host } = delivery
  return {
    ...showDelivery(callUuid, delivery),
    call_uuid: callUuid,
    campaign_id: campaignId,
    host,
  }
}

/** The same without its attempts. */
export function showDeliveryAlone(callUuid: string, delivery: DeliveryEntry): object {
  return {
    id: deliveryId({ callUuid, ...delivery }),
    tracking_url_id: delivery.trackingUrlId,
    trigger: delivery.trigger,
    leg: delivery.leg,
    method: delivery.method,
    url: delivery.url,
    missing_tokens: delivery.missingTokens,
    state: delivery.state,
    queued_at: delivery.queuedAt,
    finished_at: delivery.finishedAt,
  }
}

/** One request of a delivery in the API. */
export function showAttempt(attempt: AttemptEntry): object {
  return {
    attempt: attempt.attempt,
    started_at: attempt.startedAt,
    method: attempt.method,
    status: attempt.status,
    error: attempt.error,
    duration_ms: attempt.durationMs,
  }
}
