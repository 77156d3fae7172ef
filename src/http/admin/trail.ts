import { z } from 'zod'
import type {
  AttemptEntry,
  DeliveryEntry,
  PostbackEntry,
  SettlementEntry,
} from '../../db/call-trail.ts'
import type { FailedDelivery } from '../../db/failed-deliveries.ts'
import { deliveryId } from '../../domain/delivery.ts'
import { SETTLED_IN_WORDS } from '../../domain/explain.ts'
import { LEFT_OUT_IN_WORDS, type LeftOutBuyers } from '../../domain/left-out.ts'
import type { Decision } from '../../domain/settlement.ts'
import type { Answer } from '../openapi/route-description.ts'
import {
  amountOrNull,
  conversionState,
  instant,
  instantOrNull,
  settlementReason,
  textOrNull,
  trigger,
  wholeOrNull,
} from './answer-fields.ts'

/** Buyers that a call was not offered to for the same reason. */
export const LEFT_OUT_ANSWER = z
  .object({
    reason: z.enum(Object.keys(LEFT_OUT_IN_WORDS) as (keyof typeof LEFT_OUT_IN_WORDS)[]),
    reason_in_words: z.string(),
    buyer_ids: z.array(z.string()).describe('The first of them.'),
    count: z.int(),
  })
  .meta({ id: 'LeftOut' })

/** A request to `set_value`, as it was answered. */
export const POSTBACK_ANSWER = z
  .object({
    id: z.string(),
    received_at: instant,
    source: z.string().describe('The address it came from.'),
    method: z.string(),
    query: z.string().describe('As it was sent, without the key.'),
    body: z.string().describe('As a query, without the key.'),
    leg: wholeOrNull.describe('The leg that the key opens; `null` in refusals.'),
    http_status: z.int(),
    status: z.string(),
    reason: z.string(),
    state: conversionState
      .or(z.literal('unchanged'))
      .describe('How the call stood after it; `unchanged` where it was turned away unread.'),
  })
  .meta({ id: 'Postback' })

/** An entry of the ledger. */
export const SETTLEMENT_ANSWER = z
  .object({
    revision: z.int().describe('From 1, without gaps.'),
    decided_at: instant,
    kind: z.enum([
      'settlement',
      'late_conversion',
      'adjustment',
    ] as const satisfies Decision['kind'][]),
    conversion: z.enum(['converted', 'not_converted'] as const satisfies Decision['conversion'][]),
    reason: settlementReason,
    reason_in_words: z.string(),
    campaign_version: z.int().describe('Of the rules that it was decided by.'),
    conversion_group_id: textOrNull,
    conversion_name: textOrNull,
    revenue: amountOrNull,
    payout: amountOrNull,
    payout_clamped: z.boolean(),
    postback_id: textOrNull,
    postback_value: textOrNull,
    late: z.boolean(),
    duplicate: z.boolean(),
    steps: z.array(z.string()).describe('The arithmetic, a line a step.'),
  })
  .meta({ id: 'Settlement' })

const ATTEMPT_ANSWER = z
  .object({
    attempt: z.int().describe('From 1.'),
    started_at: instant,
    method: z.string(),
    status: wholeOrNull.describe('`null` where there was no answer.'),
    error: textOrNull,
    duration_ms: z.number(),
  })
  .meta({ id: 'Attempt' })

const DELIVERY_ALONE = z.object({
  id: z.string().describe('The same with every attempt: `webhook-id`, `[delivery_id]`.'),
  tracking_url_id: z.string(),
  trigger,
  leg: wholeOrNull,
  method: z.string(),
  url: z.string().describe('With `[call_key]` in the place of the key.'),
  missing_tokens: z.array(z.string()),
  state: z.enum(['queued', 'delivered', 'failed']),
  queued_at: instant,
  finished_at: instantOrNull,
})

/** A request to a tracking URL that is due, or has been made. */
export const DELIVERY_ANSWER = DELIVERY_ALONE.extend({ attempts: z.array(ATTEMPT_ANSWER) }).meta({
  id: 'Delivery',
})

/** One that was given up. */
export const FAILED_DELIVERY_ANSWER = DELIVERY_ANSWER.extend({
  call_uuid: z.uuid(),
  campaign_id: z.string(),
  host: z.string(),
}).meta({ id: 'FailedDelivery' })

/** Buyers that a call was not offered to, in the API: the first of them by id. */
export function showLeftOut({
  reason,
  buyers,
  count,
}: LeftOutBuyers): Answer<typeof LEFT_OUT_ANSWER> {
  return {
    reason,
    reason_in_words: LEFT_OUT_IN_WORDS[reason],
    buyer_ids: buyers,
    count,
  }
}

/** A postback in the API; its text is kept without the key. */
export function showPostback(postback: PostbackEntry): Answer<typeof POSTBACK_ANSWER> {
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
export function showSettlement(entry: SettlementEntry): Answer<typeof SETTLEMENT_ANSWER> {
  return {
    revision: entry.revision,
    decided_at: entry.decidedAt,
    kind: entry.kind,
    conversion: entry.conversion,
    reason: entry.reason,
    reason_in_words: SETTLED_IN_WORDS[entry.reason],
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
export function showDelivery(
  callUuid: string,
  delivery: DeliveryEntry,
): Answer<typeof DELIVERY_ANSWER> {
  return {
    ...showDeliveryAlone(callUuid, delivery),
    attempts: delivery.attempts.map(showAttempt),
  }
}

/** One that was given up, with what it is looked for by. */
export function showFailed(delivery: FailedDelivery): Answer<typeof FAILED_DELIVERY_ANSWER> {
  const { callUuid, campaignId, host } = delivery
  return {
    ...showDelivery(callUuid, delivery),
    call_uuid: callUuid,
    campaign_id: campaignId,
    host,
  }
}

/** The same without its attempts. */
export function showDeliveryAlone(
  callUuid: string,
  delivery: DeliveryEntry,
): Answer<typeof DELIVERY_ALONE> {
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
export function showAttempt(attempt: AttemptEntry): Answer<typeof ATTEMPT_ANSWER> {
  return {
    attempt: attempt.attempt,
    started_at: attempt.startedAt,
    method: attempt.method,
    status: attempt.status,
    error: attempt.error,
    duration_ms: attempt.durationMs,
  }
}
