import { readClock } from '../db/clock.ts'
import { type PastCalls, readPastCalls } from '../db/past-calls.ts'
import type { Queryable } from '../db/queryable.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { sixDecimals } from '../domain/ledger.ts'
import { isSameMoney, type Rehearsed, rehearseCall, type Standing } from '../domain/rehearse.ts'

/** A call that would be worth something else. */
export interface Difference {
  readonly callUuid: string
  readonly before: Standing
  readonly after: Rehearsed
}

/** Sums in millionths of the currency's unit. */
export interface Totals {
  readonly converted: number
  readonly revenue: bigint
  readonly payout: bigint
}

/** What a rehearsal comes to. */
export interface Rehearsal {
  readonly calls: number
  readonly differing: number
  readonly before: Totals
  readonly after: Totals
}

/** What is rehearsed. */
export interface RehearseOptions extends PastCalls {
  /** The rules to try, for a call that was begun under this version. */
  readonly rulesFor: (campaignVersion: number) => CampaignRules
  readonly onDifference: (difference: Difference) => void
}

/**
 * Decides past calls again under other rules, and compares. Nothing is sent and nothing is written; a page
 * of calls is in memory at a time. Whether a caller had converted before is taken as it was. @see behaviour B15
 */
export async function rehearse(db: Queryable, options: RehearseOptions): Promise<Rehearsal> {
  const { rulesFor, onDifference } = options
  const now = await readClock(db)
  let calls = 0
  let differing = 0
  let before = NOTHING
  let after = NOTHING
  for await (const page of readPastCalls(db, options)) {
    for (const { callUuid, campaignVersion, call, standing } of page) {
      const rehearsed = rehearseCall(rulesFor(campaignVersion), call, now)
      const { revenue, payout } = rehearsed.decision ?? {}
      const would: Standing = { conversion: rehearsed.conversion, revenue, payout }
      calls++
      before = addTo(before, standing)
      after = addTo(after, would)
      if (isSameMoney(standing, rehearsed)) continue
      differing++
      onDifference({ callUuid, before: standing, after: rehearsed })
    }
  }
  return { calls, differing, before, after }
}

const NOTHING: Totals = { converted: 0, revenue: 0n, payout: 0n }

function addTo(totals: Totals, { conversion, revenue, payout }: Standing): Totals {
  return {
    converted: totals.converted + (conversion === 'converted' ? 1 : 0),
    revenue: totals.revenue + millionths(revenue),
    payout: totals.payout + millionths(payout),
  }
}

const millionths = (amount: string | undefined): bigint =>
  BigInt((sixDecimals(amount ?? null) ?? '0').replace('.', ''))
