import type { Buyer, Route } from './campaign.ts'
import { findFullCap, type FullCap, isCapped, type Load, NO_LOAD, timeZoneOf } from './caps.ts'
import { isOpenAt } from './configuration-hours.ts'
import { localTime } from './local-time.ts'

/** A buyer to be tried, in its place. */
export interface PlannedLeg {
  readonly buyer: Buyer
  readonly priority: number
}

/** Buyers that are rung at the same time: one, or the members of a ring group. */
export type Round = readonly PlannedLeg[]

/** Why a buyer of the campaign was not tried. */
export type LeftOutReason =
  'unknown_buyer' | 'paused' | 'filtered' | 'closed' | 'endpoint_down' | FullCap

export interface LeftOut {
  readonly buyerId: string
  readonly reason: LeftOutReason
}

export interface RoutingPlan {
  /** In the order in which they are tried. */
  readonly rounds: readonly Round[]
  readonly leftOut: readonly LeftOut[]
}

/** A call that wants a buyer. */
export interface RoutingRequest {
  readonly routes: readonly Route[]
  readonly publisherId: string
  /** E.164; undefined where the caller withheld it. */
  readonly callerNumber: string | undefined
  readonly findBuyer: (buyerId: string) => Buyer | undefined
  /** Whether the buyer's endpoint has been reachable of late. */
  readonly isReachable: (buyer: Buyer) => boolean
  /** Numbers from 0 up to 1; one is drawn for each buyer that can take the call. */
  readonly random: () => number
}

/** What the buyers can take at this moment. */
export interface RoutingState {
  readonly now: Date
  /** The places taken at a buyer; undefined where none ever was. */
  readonly loadOf: (buyerId: string) => Load | undefined
  /** The buyer that this caller had before, who goes first. */
  readonly earlierBuyerId: string | undefined
}

/**
 * Decides which buyers are tried for a call: by priority, and by lot inside a priority, where a route's
 * weight is its share of the first places. Members of a ring group stand where the first of them would.
 */
export function planRoutes(request: RoutingRequest, state: RoutingState): RoutingPlan {
  const candidates: Candidate[] = []
  const leftOut: LeftOut[] = []
  for (const route of request.routes) {
    const buyer = request.findBuyer(route.buyerId)
    const reason = buyer ? whyNot(route, buyer, request, state) : 'unknown_buyer'
    if (!buyer || reason)
      leftOut.push({ buyerId: route.buyerId, reason: reason ?? 'unknown_buyer' })
    else candidates.push(candidateOf(route, buyer, request.random(), state.earlierBuyerId))
  }
  candidates.sort((a, b) => a.priority - b.priority || a.place - b.place)
  return { rounds: roundsOf(candidates), leftOut }
}

/** Whether a buyer has become full since the call was planned. */
export function findFullBuyer(buyer: Buyer, { now, loadOf }: RoutingState): FullCap | undefined {
  if (!isCapped(buyer)) return undefined
  const load = loadOf(buyer.buyerId) ?? NO_LOAD
  return findFullCap(buyer.caps, load, localTime(now, timeZoneOf(buyer)))
}

interface Candidate extends PlannedLeg {
  readonly place: number
  readonly ringsTogether: boolean
}

function candidateOf(
  { priority, weight, ringsTogether }: Route,
  buyer: Buyer,
  drawn: number,
  earlierBuyerId: string | undefined,
): Candidate {
  if (buyer.buyerId === earlierBuyerId) {
    return { buyer, priority: Number.NEGATIVE_INFINITY, place: 0, ringsTogether: false }
  }
  return { buyer, priority, place: lot(weight, drawn), ringsTogether }
}

function whyNot(
  route: Route,
  buyer: Buyer,
  request: RoutingRequest,
  state: RoutingState,
): LeftOutReason | undefined {
  if (buyer.paused) return 'paused'
  if (!matches(route, request)) return 'filtered'
  if (buyer.hours && !isOpenAt(buyer.hours.open, localTime(state.now, buyer.hours.timeZone))) {
    return 'closed'
  }
  return findFullBuyer(buyer, state) ?? (request.isReachable(buyer) ? undefined : 'endpoint_down')
}

/** A caller who withholds the number is from nowhere: filters on the number's beginning leave it out. */
function matches({ filters }: Route, { publisherId, callerNumber }: RoutingRequest): boolean {
  if (filters.publisherId !== undefined && filters.publisherId !== publisherId) return false
  const { callerPrefixes } = filters
  return !callerPrefixes || callerPrefixes.some((prefix) => callerNumber?.startsWith(prefix))
}

/** An exponentially distributed lot: the smallest of several falls to each in proportion to its weight. */
function lot(weight: number, drawn: number): number {
  return weight > 0 ? -Math.log(1 - drawn) / weight : Number.POSITIVE_INFINITY
}

function roundsOf(candidates: readonly Candidate[]): readonly Round[] {
  const rounds: PlannedLeg[][] = []
  const groups = new Map<number, PlannedLeg[]>()
  for (const { buyer, priority, ringsTogether } of candidates) {
    const group = ringsTogether ? groups.get(priority) : undefined
    if (group) {
      group.push({ buyer, priority })
      continue
    }
    const round = [{ buyer, priority }]
    rounds.push(round)
    if (ringsTogether) groups.set(priority, round)
  }
  return rounds
}
