import { z } from 'zod'
import type { CallDetails, CallOverview, LegOverview } from '../../db/call-records.ts'
import { wholeSeconds } from '../../domain/call.ts'
import type { Answer } from '../openapi/route-description.ts'
import {
  amountOrNull,
  callState,
  conversionState,
  hungUpBy,
  instant,
  instantOrNull,
  settlementReason,
  textOrNull,
  wholeOrNull,
} from './answer-fields.ts'
import { LEFT_OUT_ANSWER, showLeftOut } from './trail.ts'

const LEG_ANSWER = z
  .object({
    leg: z.int().describe('From 1, in the order in which buyers were dialled.'),
    buyer_id: z.string(),
    endpoint: z.string(),
    dialled_at: instant,
    ringing_at: instantOrNull,
    answered_at: instantOrNull,
    ended_at: instantOrNull,
    sip_status: wholeOrNull,
    fault: textOrNull.describe('Who has to act for this not to happen again.'),
    reason: textOrNull,
  })
  .meta({ id: 'Leg' })

/** A call in lists. */
export const CALL_ANSWER = z
  .object({
    uuid: z.uuid(),
    state: callState,
    conversion: conversionState,
    reason: settlementReason.nullable(),
    campaign_id: z.string(),
    publisher_id: z.string(),
    sub_id: textOrNull.describe('The publisher’s own name for the number.'),
    buyer_id: textOrNull,
    caller_number: textOrNull.describe('`null` where the caller withheld it.'),
    dialed_number: z.string(),
    started_at: instant,
    answered_at: instantOrNull,
    ended_at: instantOrNull,
    connected_seconds: wholeOrNull,
    total_seconds: wholeOrNull,
    hung_up_by: hungUpBy.nullable(),
    end_reason: textOrNull,
    sip_status: wholeOrNull,
    settle_at: instantOrNull.describe('When it is decided without a postback.'),
    settled_at: instantOrNull,
    conversion_name: textOrNull,
    currency: z.string().describe('Of the amounts, by the rules that the call began under.'),
    revenue: amountOrNull,
    payout: amountOrNull,
    postback_value: textOrNull.describe('Exactly as the buyer has posted it.'),
    late: z.boolean().describe('Whether it has converted after the timeout.'),
    duplicate: z.boolean(),
    tags: z.record(z.string(), z.string()),
    legs: z.array(LEG_ANSWER),
  })
  .meta({ id: 'Call' })

/** A call by itself. */
export const CALL_DETAILS_ANSWER = CALL_ANSWER.extend({
  left_out: z
    .array(LEFT_OUT_ANSWER.extend({ at: instant }))
    .describe('Buyers that the call was not offered to, by reason.'),
}).meta({ id: 'CallDetails' })

/** A call in the API: snake_case, amounts as text, whole seconds. */
export function showCall(call: CallOverview): Answer<typeof CALL_ANSWER> {
  return {
    uuid: call.callUuid,
    state: call.state,
    conversion: call.conversion,
    reason: call.reason,
    campaign_id: call.campaignId,
    publisher_id: call.publisherId,
    sub_id: call.subId,
    buyer_id: call.buyerId,
    caller_number: call.callerNumber,
    dialed_number: call.dialedNumber,
    started_at: call.startedAt,
    answered_at: call.answeredAt,
    ended_at: call.endedAt,
    connected_seconds: wholeSeconds(call.connectedMs ?? undefined) ?? null,
    total_seconds: wholeSeconds(call.totalMs ?? undefined) ?? null,
    hung_up_by: call.hungUpBy,
    end_reason: call.endReason,
    sip_status: call.sipStatus,
    settle_at: call.settleAt,
    settled_at: call.settledAt,
    conversion_name: call.conversionName,
    currency: call.currency,
    revenue: call.revenue,
    payout: call.payout,
    postback_value: call.postbackValue,
    late: call.late,
    duplicate: call.duplicate,
    tags: call.tags,
    legs: call.legs.map(showLeg),
  }
}

/** The same with the buyers that were left out, by reason. */
export const showCallDetails = (call: CallDetails): Answer<typeof CALL_DETAILS_ANSWER> => ({
  ...showCall(call),
  left_out: call.leftOut.map((each) => ({ at: each.at, ...showLeftOut(each) })),
})

function showLeg(leg: LegOverview): Answer<typeof LEG_ANSWER> {
  return {
    leg: leg.leg,
    buyer_id: leg.buyerId,
    endpoint: leg.endpoint,
    dialled_at: leg.dialledAt,
    ringing_at: leg.ringingAt,
    answered_at: leg.answeredAt,
    ended_at: leg.endedAt,
    sip_status: leg.sipStatus,
    fault: leg.fault,
    reason: leg.reason,
  }
}
