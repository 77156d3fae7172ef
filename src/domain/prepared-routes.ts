import type { Buyer, Route } from './campaign.ts'
import { isCapped, timeZoneOf } from './caps.ts'

/** A route with what is the same for every call. */
export interface PreparedRoute {
  readonly route: Route
  readonly buyer: Buyer
  readonly isCapped: boolean
  readonly isFiltered: boolean
  /** Whether the campaign has other routes to the same buyer. */
  readonly isRepeated: boolean
  /** The place of the buyer's time zone in the list of all. */
  readonly zone: number
  /** Said of most buyers of a large campaign at every call. */
  readonly tooFarDown: { readonly buyerId: string; readonly reason: 'too_far_down' }
}

/** The routes of one priority, in the order of the campaign. */
export interface RouteGroup {
  readonly priority: number
  readonly routes: readonly PreparedRoute[]
}

/** The routes of a campaign, as calls are decided by them. */
export interface PreparedRoutes {
  /** By priority. */
  readonly groups: readonly RouteGroup[]
  readonly timeZones: readonly string[]
  /** Routes that lead to nobody. */
  readonly unknownBuyerIds: readonly string[]
  /** Whether any buyer has several routes. */
  readonly hasRepeats: boolean
}

type FindBuyer = (buyerId: string) => Buyer | undefined

interface Remembered {
  readonly findBuyer: FindBuyer
  readonly prepared: PreparedRoutes
}

/** Calls are many and configurations few; what nobody routes by any more is forgotten with it. */
const remembered = new WeakMap<readonly Route[], Remembered>()

/** Prepares the routes of a campaign once for every configuration, told by its `findBuyer`. */
export function prepareRoutes(routes: readonly Route[], findBuyer: FindBuyer): PreparedRoutes {
  const known = remembered.get(routes)
  if (known?.findBuyer === findBuyer) return known.prepared
  const prepared = prepare(routes, findBuyer)
  remembered.set(routes, { findBuyer, prepared })
  return prepared
}

function prepare(routes: readonly Route[], findBuyer: FindBuyer): PreparedRoutes {
  const timeZones: string[] = []
  const unknownBuyerIds: string[] = []
  const all: PreparedRoute[] = []
  const repeated = repeatedIn(routes.map(({ buyerId }) => buyerId))
  for (const route of routes) {
    const buyer = findBuyer(route.buyerId)
    const isRepeated = repeated.has(route.buyerId)
    if (buyer) all.push({ ...prepareRoute(route, buyer, timeZones), isRepeated })
    else unknownBuyerIds.push(route.buyerId)
  }
  const byPriority = Map.groupBy(all, ({ route }) => route.priority)
  const groups = [...byPriority]
    .toSorted(([a], [b]) => a - b)
    .map(([priority, routes]) => ({ priority, routes }))
  return { groups, timeZones, unknownBuyerIds, hasRepeats: repeated.size > 0 }
}

function repeatedIn(buyerIds: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const isSeen = (buyerId: string) => seen.has(buyerId) || !seen.add(buyerId)
  return new Set(buyerIds.filter(isSeen))
}

function prepareRoute(
  route: Route,
  buyer: Buyer,
  timeZones: string[],
): Omit<PreparedRoute, 'isRepeated'> {
  const timeZone = timeZoneOf(buyer)
  if (!timeZones.includes(timeZone)) timeZones.push(timeZone)
  return {
    route,
    buyer,
    isCapped: isCapped(buyer),
    isFiltered: Object.keys(route.filters).length > 0,
    zone: timeZones.indexOf(timeZone),
    tooFarDown: { buyerId: route.buyerId, reason: 'too_far_down' },
  }
}
