import { lockLiveCalls, markBridged } from '../db/calls.ts'
import { enqueueDeliveries } from '../db/deliveries.ts'
import { updateLegs } from '../db/legs.ts'
import { type CallFacts, tokenValues } from '../domain/call.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { buildDeliveries, type NewDelivery } from '../domain/delivery.ts'
import { releasePlaces } from './caps.ts'
import type { FlowDeps } from './flow-deps.ts'
import { dateOf, type LegFacts, legProgress, type Moment, readMoment } from './leg-facts.ts'

/** A buyer has answered and both sides have a dialog. */
export interface Bridging {
  readonly facts: CallFacts
  readonly rules: CampaignRules
  readonly buyerId: string
  readonly leg: LegFacts & { readonly answeredAtMs: number }
  /** The legs of the same round that lost. */
  readonly lost: readonly LegFacts[]
}

/**
 * Stores that calls are bridged and queues their `bridged` pings with it. Nothing happens for a call that
 * is not ringing any more, so storing it twice does no harm; one that has ended by then, because another
 * process took this one for dead, is logged. @see behaviour B2
 */
export async function bridgeCalls(deps: FlowDeps, bridgings: readonly Bridging[]): Promise<void> {
  const { queued, tooLate } = await deps.database.transaction(async (db) => {
    const callUuids = bridgings.map(({ facts }) => facts.callUuid)
    const [live, moment] = await Promise.all([lockLiveCalls(db, callUuids), readMoment(db)])
    const now = moment.at
    const isNew = await markBridged(
      db,
      bridgings.map(({ facts, buyerId, leg }) => ({
        callUuid: facts.callUuid,
        leg: leg.leg,
        buyerId,
        answeredAt: dateOf(moment, leg.answeredAtMs),
      })),
    )
    const bridged = bridgings.filter(({ facts }) => isNew.has(facts.callUuid))
    const legs = bridged.flatMap(({ facts, leg, lost }) =>
      [leg, ...lost].map((each) => legProgress(facts.callUuid, each, moment)),
    )
    const leaving = bridged.flatMap(({ facts: { callUuid }, lost }) =>
      lost.map(({ leg }) => ({ callUuid, leg })),
    )
    const deliveries = bridged.flatMap((bridging) => pings(deps, bridging, moment))
    await Promise.all([
      updateLegs(db, legs),
      releasePlaces(db, leaving, now),
      enqueueDeliveries(db, deliveries, now),
    ])
    const tooLate = callUuids.filter((callUuid) => !live.has(callUuid))
    return { queued: deliveries.length, tooLate }
  })
  for (const callUuid of tooLate) {
    deps.log.warn('fact.too_late', { fact: 'bridged', call_uuid: callUuid })
  }
  if (queued > 0) deps.wakeDelivery()
}

function pings(deps: FlowDeps, { facts, rules, buyerId, leg }: Bridging, now: Moment) {
  const answeredAt = dateOf(now, leg.answeredAtMs)
  const answered: CallFacts = { ...facts, buyerId, answeredAt, sipStatus: 200 }
  const { callUuid, publisherId, tags } = answered
  const deliveries: readonly NewDelivery[] = buildDeliveries(rules.trackingUrls, {
    trigger: 'bridged',
    occurrence: 0,
    callUuid,
    publisherId,
    buyerId,
    tags,
    leg: leg.leg,
    values: tokenValues(answered, deps.names(answered), {}),
  })
  return deliveries
}
