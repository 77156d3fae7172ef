import { readClock } from '../db/clock.ts'
import type { LegProgress } from '../db/legs.ts'
import type { Queryable } from '../db/queryable.ts'

/**
 * What a process saw of a leg. Instants are on the monotonic clock of that process (`performance.now()`), so that
 * they stay what they are however long it takes until they can be stored.
 */
export interface LegFacts {
  readonly leg: number
  readonly ringingAtMs?: number | undefined
  readonly answeredAtMs?: number | undefined
  readonly endedAtMs?: number | undefined
  readonly sipStatus?: number | undefined
  readonly fault?: string | undefined
  readonly reason?: string | undefined
}

/** The instant that was `agoMs` before `now`. */
export function agoToDate(now: Date, agoMs: number): Date {
  return new Date(now.getTime() - Math.round(agoMs))
}

/** One moment on both clocks: the database's, and the monotonic one of this process. */
export interface Moment {
  readonly at: Date
  readonly atMs: number
}

/**
 * Reads both clocks. To be called as its transaction begins, before anything in it can have waited: that is the
 * moment which the database's clock tells all through it.
 */
export async function readMoment(db: Queryable): Promise<Moment> {
  const atMs = performance.now()
  return { at: await readClock(db), atMs }
}

/** An instant on the monotonic clock, put on the database's. */
export const dateOf = (now: Moment, atMs: number): Date => agoToDate(now.at, now.atMs - atMs)

/** A leg's facts, put on the database's clock. */
export function legProgress(callUuid: string, facts: LegFacts, now: Moment): LegProgress {
  const at = (atMs: number | undefined) => (atMs === undefined ? undefined : dateOf(now, atMs))
  return {
    callUuid,
    leg: facts.leg,
    ringingAt: at(facts.ringingAtMs),
    answeredAt: at(facts.answeredAtMs),
    endedAt: at(facts.endedAtMs),
    sipStatus: facts.sipStatus,
    fault: facts.fault,
    reason: facts.reason,
  }
}
