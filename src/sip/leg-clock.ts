import type { LegFacts } from '../flow/leg-facts.ts'

/** What the process sees of a leg, on its monotonic clock. */
export interface LegClock {
  readonly leg: number
  ringing(): void
  answered(): void
  readonly answeredAtMs: () => number
  /** The leg's facts as they are now, and that it is over. */
  ended(facts: { sipStatus?: number | undefined; fault?: string; reason?: string }): LegFacts
  now(): LegFacts & { readonly answeredAtMs: number }
}

/** Starts to watch a leg that is about to be dialled. */
export function startLegClock(leg: number): LegClock {
  let ringingAtMs: number | undefined
  let answeredAtMs: number | undefined
  const facts = () => ({ leg, ringingAtMs, answeredAtMs })
  return {
    leg,
    ringing: () => (ringingAtMs ??= performance.now()),
    answered: () => (answeredAtMs ??= performance.now()),
    answeredAtMs: () => answeredAtMs ?? performance.now(),
    ended: ({ sipStatus, fault, reason }) => ({
      ...facts(),
      endedAtMs: performance.now(),
      sipStatus,
      fault,
      reason,
    }),
    now: () => ({ ...facts(), answeredAtMs: answeredAtMs ?? performance.now(), sipStatus: 200 }),
  }
}
