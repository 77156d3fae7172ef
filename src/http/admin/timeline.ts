import { z } from 'zod'
import type { CallDetails, CallOverview, LegOverview } from '../../db/call-records.ts'
import type { DeliveryEntry, PostbackEntry, SettlementEntry } from '../../db/call-trail.ts'
import { deliveryId } from '../../domain/delivery.ts'
import { wholeSeconds } from '../../domain/call.ts'
import { instant } from './answer-fields.ts'
import {
  showAttempt,
  showDeliveryAlone,
  showLeftOut,
  showPostback,
  showSettlement,
} from './trail.ts'

/** One thing that happened to a call; what it says beside that depends on `event`. */
export interface TimelineEvent {
  readonly at: Date
  readonly event: string
  readonly [detail: string]: unknown
}

/** What {@link buildTimeline} gives. */
export const TIMELINE_ANSWER = z.array(
  z
    .looseObject({
      at: instant,
      event: z.string().describe('As in `call.begun`; the other members depend on it.'),
    })
    .meta({ id: 'TimelineEvent' }),
)

/** Everything that is stored of one call. */
export interface CallTrail {
  readonly call: CallDetails
  readonly postbacks: readonly PostbackEntry[]
  readonly settlements: readonly SettlementEntry[]
  readonly deliveries: readonly DeliveryEntry[]
}

/**
 * Everything that happened to a call, in order: what its legs did, postbacks, decisions with their
 * arithmetic, deliveries and their attempts. Of things at the same instant the cause comes first.
 * @see behaviour B15
 */
export function buildTimeline(trail: CallTrail): readonly TimelineEvent[] {
  const { call, postbacks, settlements, deliveries } = trail
  const events = [
    ...callBegun(call),
    ...buyersLeftOut(call),
    ...call.legs.flatMap(legEvents),
    ...callBridged(call),
    ...callEnded(call),
    ...postbacks.map((postback) => ({
      at: postback.receivedAt,
      event: 'postback.received',
      ...showPostback(postback),
    })),
    ...settlements.map((entry) => ({
      at: entry.decidedAt,
      event: 'call.settled',
      ...showSettlement(entry),
    })),
    ...deliveries.flatMap((delivery) => deliveryEvents(call.callUuid, delivery)),
  ]
  return events.toSorted((a, b) => a.at.getTime() - b.at.getTime())
}

/** The event, if it has happened. */
function happened(at: Date | null, event: string, details: object): readonly TimelineEvent[] {
  return at ? [{ at, event, ...details }] : []
}

function callBegun(call: CallOverview): readonly TimelineEvent[] {
  return happened(call.startedAt, 'call.begun', {
    caller_number: call.callerNumber,
    dialed_number: call.dialedNumber,
    campaign_id: call.campaignId,
    publisher_id: call.publisherId,
  })
}

/** One event for each reason, since a campaign may have hundreds of buyers. */
const buyersLeftOut = ({ leftOut }: CallDetails): readonly TimelineEvent[] =>
  leftOut.map((each) => ({ at: each.at, event: 'buyers.left_out', ...showLeftOut(each) }))

function legEvents(leg: LegOverview): readonly TimelineEvent[] {
  const which = { leg: leg.leg, buyer_id: leg.buyerId }
  return [
    ...happened(leg.dialledAt, 'leg.dialled', { ...which, endpoint: leg.endpoint }),
    ...happened(leg.ringingAt, 'leg.ringing', which),
    ...happened(leg.answeredAt, 'leg.answered', which),
    ...happened(leg.endedAt, 'leg.ended', {
      ...which,
      sip_status: leg.sipStatus,
      fault: leg.fault,
      reason: leg.reason,
    }),
  ]
}

const callBridged = (call: CallOverview): readonly TimelineEvent[] =>
  happened(call.answeredAt, 'call.bridged', { buyer_id: call.buyerId })

function callEnded(call: CallOverview): readonly TimelineEvent[] {
  return [
    ...happened(call.endedAt, 'call.ended', {
      hung_up_by: call.hungUpBy,
      reason: call.endReason,
      sip_status: call.sipStatus,
      connected_seconds: wholeSeconds(call.connectedMs ?? undefined) ?? null,
      total_seconds: wholeSeconds(call.totalMs ?? undefined) ?? null,
    }),
    ...happened(call.settleAt && call.endedAt, 'call.waiting', { until: call.settleAt }),
  ]
}

function deliveryEvents(callUuid: string, delivery: DeliveryEntry): readonly TimelineEvent[] {
  const which = {
    delivery_id: deliveryId({ callUuid, ...delivery }),
    tracking_url_id: delivery.trackingUrlId,
    trigger: delivery.trigger,
  }
  return [
    {
      at: delivery.queuedAt,
      event: 'delivery.queued',
      ...showDeliveryAlone(callUuid, delivery),
    },
    ...delivery.attempts.map((attempt) => ({
      at: attempt.startedAt,
      event: 'delivery.attempted',
      ...which,
      ...showAttempt(attempt),
    })),
    ...happened(delivery.finishedAt, `delivery.${delivery.state}`, which),
  ]
}
