import type { LeftOut, LeftOutReason } from './routing.ts'

/** Buyers that were left out at the same moment for the same reason, as a call's record keeps them. */
export interface LeftOutBuyers {
  readonly at: Date
  readonly reason: LeftOutReason
  /** By id; the first hundred of them. */
  readonly buyers: readonly string[]
  /** Of all. */
  readonly count: number
}

/** Of 500 buyers all but 20 are too far down at every call: their names would be most of what is stored. */
const NAMED_MAX = 100

/** Why a buyer was not tried, for people: a closed list, with a section each in `docs/reasons.md`. */
export const LEFT_OUT_IN_WORDS: Readonly<Record<LeftOutReason, string>> = {
  unknown_buyer: 'The route names a buyer that is not configured.',
  paused: 'The buyer is paused.',
  filtered: "The route's filters do not let this call pass.",
  closed: 'The buyer was closed at that hour.',
  endpoint_down: "The buyer's endpoint was not reachable of late.",
  too_far_down: 'So many buyers came before it that its turn would never have come.',
  cap_concurrent: 'The buyer had as many calls at once as it takes.',
  cap_hourly: 'The buyer had its calls of the hour.',
  cap_daily: 'The buyer had its calls of the day.',
  cap_monthly: 'The buyer had its calls of the month.',
  cap_total: 'The buyer had all the calls that it takes.',
}

/** What a decision has left out, reason by reason. */
export function groupLeftOut(leftOut: readonly LeftOut[], at: Date): readonly LeftOutBuyers[] {
  const byReason = Map.groupBy(leftOut, ({ reason }) => reason)
  return [...byReason].map(([reason, those]) => ({
    at,
    reason,
    buyers: those.slice(0, NAMED_MAX).map(({ buyerId }) => buyerId),
    count: those.length,
  }))
}
