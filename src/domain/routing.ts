import type { Buyer, Route } from './campaign.ts'

/** A buyer to be tried, in its place. */
export interface PlannedLeg {
  readonly buyer: Buyer
  readonly priority: number
}

/** Why a buyer of the campaign was not tried. */
export type LeftOutReason = 'unknown_buyer' | 'paused'

export interface RoutingPlan {
  /** In the order in which they are tried. */
  readonly legs: readonly PlannedLeg[]
  readonly leftOut: readonly { readonly buyerId: string; readonly reason: LeftOutReason }[]
}

/**
 * Orders the campaign's buyers for one call: by priority, and by lot inside a priority, where a route's
 * weight is its share of the first places.
 * @param random numbers from 0 up to 1, one is drawn for each route
 */
export function planRoutes(
  routes: readonly Route[],
  findBuyer: (buyerId: string) => Buyer | undefined,
  random: () => number,
): RoutingPlan {
  const legs: (PlannedLeg & { readonly place: number })[] = []
  const leftOut: { buyerId: string; reason: LeftOutReason }[] = []
  for (const { buyerId, priority, weight } of routes) {
    const buyer = findBuyer(buyerId)
    if (!buyer) leftOut.push({ buyerId, reason: 'unknown_buyer' })
    else if (buyer.paused) leftOut.push({ buyerId, reason: 'paused' })
    else legs.push({ buyer, priority, place: lot(weight, random()) })
  }
  legs.sort((a, b) => a.priority - b.priority || a.place - b.place)
  return { legs: legs.map(({ buyer, priority }) => ({ buyer, priority })), leftOut }
}

/** An exponentially distributed lot: the smallest of several falls to each in proportion to its weight. */
function lot(weight: number, drawn: number): number {
  return weight > 0 ? -Math.log(1 - drawn) / weight : Number.POSITIVE_INFINITY
}
