import { insertCalls, type NewCall } from '../db/calls.ts'
import { findEarlierBuyers, type ReturningCaller } from '../db/caps.ts'
import { readClock } from '../db/clock.ts'
import { enqueueDeliveries } from '../db/deliveries.ts'
import { insertLegs } from '../db/legs.ts'
import type { Queryable } from '../db/queryable.ts'
import { type CallFacts, tokenValues } from '../domain/call.ts'
import type { Buyer, CampaignRules } from '../domain/campaign.ts'
import { buildDeliveries, type NewDelivery } from '../domain/delivery.ts'
import { groupLeftOut } from '../domain/left-out.ts'
import { planRoutes, type Round, type RoutingPlan, type RoutingRequest } from '../domain/routing.ts'
import { openPlaces, type Places } from './caps.ts'
import type { FlowDeps } from './flow-deps.ts'
import { agoToDate } from './leg-facts.ts'

/** A buyer that is about to be dialled. */
export interface Dialling {
  readonly leg: number
  readonly buyerId: string
  readonly endpoint: string
}

/** A call that has come in and wants a buyer. */
export interface CallBeginning extends Omit<NewCall, 'facts' | 'leftOut'> {
  readonly facts: Omit<CallFacts, 'startedAt'>
  readonly rules: CampaignRules
  readonly startedAgoMs: number
  readonly routing: RoutingRequest
}

/** A call that has been stored, with the buyers to try; the first round is stored as dialled. */
export interface BegunCall {
  readonly facts: CallFacts
  readonly plan: RoutingPlan
}

interface Begun extends BegunCall {
  readonly beginning: CallBeginning
  readonly diallings: readonly Dialling[]
}

/**
 * Stores calls before anything is dialled for them, decides which buyers they go to, and queues their
 * `start` and `selected` tracking URLs. Places at buyers with caps are taken in the same transaction.
 * @throws when they could not be stored: a call that is not recorded is not bridged
 */
export async function beginCalls(
  deps: FlowDeps,
  beginnings: readonly CallBeginning[],
): Promise<readonly BegunCall[]> {
  const { begun, queued } = await deps.database.transaction(async (db) => {
    const now = await readClock(db)
    const begun = await planCalls(db, beginnings, now)
    const deliveries = begun.flatMap(({ beginning: { rules }, diallings, facts }) => [
      ...firedAtStart(deps, rules, facts),
      ...diallings.flatMap((dialling) => firedAtSelection(deps, rules, facts, dialling)),
    ])
    // One after the other on the wire, without waiting in between: the caller waits for all of it.
    await Promise.all([
      insertCalls(
        db,
        begun.map((call) => rowOf(call, now)),
      ),
      insertLegs(
        db,
        begun.flatMap(({ diallings, facts: { callUuid } }) =>
          diallings.map((dialling) => ({ callUuid, ...dialling, dialledAt: now })),
        ),
      ),
      enqueueDeliveries(db, deliveries, now),
    ])
    return { begun, queued: deliveries.length }
  })
  if (queued > 0) deps.wakeDelivery()
  return begun.map(({ facts, plan }) => ({ facts, plan }))
}

function rowOf({ beginning, facts, plan }: Begun, now: Date): NewCall {
  const { processId, trunkId, sipCallId } = beginning
  return { facts, processId, trunkId, sipCallId, leftOut: groupLeftOut(plan.leftOut, now) }
}

/** Plans one call after the other, so that each sees the places that those before it have taken. */
async function planCalls(
  db: Queryable,
  beginnings: readonly CallBeginning[],
  now: Date,
): Promise<readonly Begun[]> {
  const earlierBuyers = await findEarlierBuyers(db, beginnings.flatMap(returningCaller))
  const places = await openPlaces(db, buyersOf(beginnings), { leaving: [], now })
  const begun = beginnings.map((beginning) => {
    const { callUuid } = beginning.facts
    const earlierBuyerId = earlierBuyers.get(callUuid)
    const plan = planRoutes(beginning.routing, { now, loadOf: places.loadOf, earlierBuyerId })
    const diallings = takeRound(places, callUuid, plan.rounds[0] ?? [], 1)
    const facts = { ...beginning.facts, startedAt: agoToDate(now, beginning.startedAgoMs) }
    return { beginning, facts, plan, diallings }
  })
  await places.store()
  return begun
}

/** Takes a place for each buyer of a round. @param firstLeg the number of the first of them */
export function takeRound(
  places: Places,
  callUuid: string,
  round: Round,
  firstLeg: number,
): readonly Dialling[] {
  return round.map(({ buyer }, index) => {
    const leg = firstLeg + index
    places.take(buyer, callUuid, leg)
    return { leg, buyerId: buyer.buyerId, endpoint: buyer.endpoint }
  })
}

function returningCaller({ facts, rules }: CallBeginning): readonly ReturningCaller[] {
  const { callUuid, campaignId, callerNumber } = facts
  if (!rules.returnsCallers || callerNumber === undefined) return []
  return [{ callUuid, campaignId, callerNumber }]
}

function buyersOf(beginnings: readonly CallBeginning[]): ReadonlySet<Buyer> {
  const buyers = new Set<Buyer>()
  for (const { routing } of beginnings) {
    for (const { buyerId } of routing.routes) {
      const buyer = routing.findBuyer(buyerId)
      if (buyer) buyers.add(buyer)
    }
  }
  return buyers
}

function firedAtStart(
  deps: FlowDeps,
  rules: CampaignRules,
  facts: CallFacts,
): readonly NewDelivery[] {
  const { callUuid, publisherId, buyerId, tags } = facts
  const values = tokenValues(facts, deps.names(facts), {})
  return buildDeliveries(rules.trackingUrls, {
    trigger: 'start',
    occurrence: 0,
    callUuid,
    publisherId,
    buyerId,
    tags,
    leg: undefined,
    values,
  })
}

/** The deliveries for a buyer that has been chosen and is about to be dialled. @see behaviour B14 */
export function firedAtSelection(
  deps: FlowDeps,
  rules: CampaignRules,
  facts: CallFacts,
  { leg, buyerId }: Dialling,
): readonly NewDelivery[] {
  const { callUuid, publisherId, tags } = facts
  const selected = { ...facts, buyerId }
  const values = tokenValues(selected, deps.names(selected), {})
  return buildDeliveries(rules.trackingUrls, {
    trigger: 'selected',
    occurrence: leg,
    callUuid,
    publisherId,
    buyerId,
    tags,
    leg,
    values,
  })
}
