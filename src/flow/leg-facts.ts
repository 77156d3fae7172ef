import type { LegProgress } from '../db/legs.ts'

/** What a process saw of a leg; times are milliseconds ago, on a monotonic clock. */
export interface LegFacts {
  readonly leg: number
  readonly ringingAgoMs?: number | undefined
  readonly answeredAgoMs?: number | undefined
  readonly endedAgoMs?: number | undefined
  readonly sipStatus?: number | undefined
  readonly fault?: string | undefined
  readonly reason?: string | undefined
}

/** The instant that was `agoMs` before `now`. */
export function agoToDate(now: Date, agoMs: number): Date {
  return new Date(now.getTime() - Math.round(agoMs))
}

/** A leg's facts, put on the database's clock. */
export function legProgress(callUuid: string, facts: LegFacts, now: Date): LegProgress {
  const at = (agoMs: number | undefined) =>
    agoMs === undefined ? undefined : agoToDate(now, agoMs)
  return {
    callUuid,
    leg: facts.leg,
    ringingAt: at(facts.ringingAgoMs),
    answeredAt: at(facts.answeredAgoMs),
    endedAt: at(facts.endedAgoMs),
    sipStatus: facts.sipStatus,
    fault: facts.fault,
    reason: facts.reason,
  }
}
