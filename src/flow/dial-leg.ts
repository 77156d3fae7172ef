import { readClock } from '../db/clock.ts'
import { enqueueDeliveries } from '../db/deliveries.ts'
import { insertLegs, updateLegs } from '../db/legs.ts'
import type { CallFacts } from '../domain/call.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { type Dialling, firedAtSelection } from './begin-call.ts'
import type { FlowDeps } from './flow-deps.ts'
import { type LegFacts, legProgress } from './leg-facts.ts'

/** The next buyer after one that failed. */
export interface NextLeg {
  readonly facts: CallFacts
  readonly rules: CampaignRules
  readonly failed: LegFacts
  readonly dialling: Dialling
}

/** Stores why a leg failed and which one is dialled after it, before that is dialled. */
export async function dialNextLegs(deps: FlowDeps, nextLegs: readonly NextLeg[]): Promise<void> {
  const queued = await deps.database.transaction(async (db) => {
    const now = await readClock(db)
    await updateLegs(
      db,
      nextLegs.map(({ facts, failed }) => legProgress(facts.callUuid, failed, now)),
    )
    await insertLegs(
      db,
      nextLegs.map(({ facts: { callUuid }, dialling }) => ({
        callUuid,
        ...dialling,
        dialledAt: now,
      })),
    )
    const deliveries = nextLegs.flatMap(({ rules, facts, dialling }) =>
      firedAtSelection(deps, rules, facts, dialling),
    )
    await enqueueDeliveries(db, deliveries, now)
    return deliveries.length
  })
  if (queued > 0) deps.wakeDelivery()
}
