import { insertCalls, type NewCall } from '../db/calls.ts'
import { readClock } from '../db/clock.ts'
import { enqueueDeliveries } from '../db/deliveries.ts'
import { insertLegs } from '../db/legs.ts'
import { type CallFacts, tokenValues } from '../domain/call.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { buildDeliveries, type NewDelivery } from '../domain/delivery.ts'
import type { FlowDeps } from './flow-deps.ts'
import { agoToDate } from './leg-facts.ts'

/** A buyer that is about to be dialled. */
export interface Dialling {
  readonly leg: number
  readonly buyerId: string
  readonly endpoint: string
}

/** A call that has come in, with the first buyer to try if there is one. */
export interface CallBeginning extends Omit<NewCall, 'facts'> {
  readonly facts: Omit<CallFacts, 'startedAt'>
  readonly rules: CampaignRules
  readonly startedAgoMs: number
  readonly firstLeg: Dialling | undefined
}

/**
 * Stores calls before anything is dialled for them, and queues their `start` and `selected` tracking URLs.
 * @throws when they could not be stored: a call that is not recorded is not bridged
 */
export async function beginCalls(
  deps: FlowDeps,
  beginnings: readonly CallBeginning[],
): Promise<readonly CallFacts[]> {
  const { calls, deliveries } = await deps.database.transaction(async (db) => {
    const now = await readClock(db)
    const calls = beginnings.map(({ facts, startedAgoMs }): CallFacts => ({
      ...facts,
      startedAt: agoToDate(now, startedAgoMs),
    }))
    const pairs = beginnings.flatMap((beginning, index) => {
      const facts = calls[index]
      return facts ? [{ beginning, facts }] : []
    })
    await insertCalls(
      db,
      pairs.map(({ beginning: { processId, trunkId, sipCallId }, facts }) => ({
        facts,
        processId,
        trunkId,
        sipCallId,
      })),
    )
    await insertLegs(
      db,
      pairs.flatMap(({ beginning: { firstLeg }, facts: { callUuid } }) =>
        firstLeg ? [{ callUuid, ...firstLeg, dialledAt: now }] : [],
      ),
    )
    const deliveries = pairs.flatMap(({ beginning: { rules, firstLeg }, facts }) => [
      ...firedAtStart(deps, rules, facts),
      ...(firstLeg ? firedAtSelection(deps, rules, facts, firstLeg) : []),
    ])
    await enqueueDeliveries(db, deliveries, now)
    return { calls, deliveries }
  })
  if (deliveries.length > 0) deps.wakeDelivery()
  return calls
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
