import type { Buyer, Route } from './campaign.ts'
import { findFullCap, type FullCap, isCapped, type Load, timeZoneOf } from './caps.ts'
import { isOpenAt } from './configuration-hours.ts'
import { type LocalTime, localTime } from './local-time.ts'
import { type PreparedRoute, prepareRoutes, type RouteGroup } from './prepared-routes.ts'

/** A buyer to be tried, in its place. */
export interface PlannedLeg {
  readonly buyer: Buyer
  readonly priority: number
}

/** Buyers that are rung at the same time: one, or the members of a ring group. */
export type Round = readonly PlannedLeg[]

/** Why a buyer of the campaign was not tried. */
export type LeftOutReason =
  'unknown_buyer' | 'paused' | 'filtered' | 'closed' | 'endpoint_down' | 'too_far_down' | FullCap

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

/** Comes before every priority that can be configured. */
const BEFORE_ALL = -1

/** Nobody waits while more buyers than this are rung; it also keeps a decision among 500 below 50 µs. */
const LEGS_MAX = 20

/**
 * Decides which buyers are tried for a call: by priority, and by lot inside a priority, where a route's
 * weight is its share of the first places. Members of a ring group stand where the first of them would. A
 * buyer with several routes is tried once, by the first that lets the call in.
 */
export function planRoutes(request: RoutingRequest, state: RoutingState): RoutingPlan {
  const prepared = prepareRoutes(request.routes, request.findBuyer)
  const local = prepared.timeZones.map((timeZone) => localTime(state.now, timeZone))
  const leftOut: LeftOut[] = prepared.unknownBuyerIds.map((buyerId) => ({
    buyerId,
    reason: 'unknown_buyer',
  }))
  const taken = new Set<string>()
  const decision = { request, state, local, leftOut, taken }
  const rounds: Round[] = []
  let free = LEGS_MAX
  for (const { routes, priority } of earlierFirst(prepared.groups, state.earlierBuyerId)) {
    const tried = drawLots(routes, free, decision)
    free -= tried.length
    rounds.push(...roundsOf(tried, priority))
  }
  return { rounds, leftOut: prepared.hasRepeats ? saidOnce(leftOut, taken) : leftOut }
}

/** Of a buyer with several routes is said why none of them was taken, each reason once. */
function saidOnce(leftOut: readonly LeftOut[], taken: ReadonlySet<string>): readonly LeftOut[] {
  const said = new Set<string>()
  return leftOut.filter(({ buyerId, reason }) => {
    if (taken.has(buyerId) && reason !== 'too_far_down') return false
    const saying = `${buyerId} ${reason}`
    return !said.has(saying) && said.add(saying)
  })
}

/** One call that is being decided. */
interface Decision {
  readonly request: RoutingRequest
  readonly state: RoutingState
  /** The local time in each time zone of the prepared routes. */
  readonly local: readonly LocalTime[]
  readonly leftOut: LeftOut[]
  /** Of the buyers with several routes those that have their place, or have come too late for one. */
  readonly taken: Set<string>
}

/** The buyer that a caller comes back to goes before all others. */
function earlierFirst(
  groups: readonly RouteGroup[],
  earlierBuyerId: string | undefined,
): readonly RouteGroup[] {
  if (earlierBuyerId === undefined) return groups
  const isEarlier = ({ buyer }: PreparedRoute) => buyer.buyerId === earlierBuyerId
  const earlier = groups.flatMap(({ routes }) => routes.filter(isEarlier))
  const others = groups.map(({ priority, routes }) => ({
    priority,
    routes: routes.filter((route) => !isEarlier(route)),
  }))
  return [{ priority: BEFORE_ALL, routes: earlier }, ...others]
}

/** Whether a buyer has become full since the call was planned. */
export function findFullBuyer(buyer: Buyer, state: RoutingState): FullCap | undefined {
  return isCapped(buyer)
    ? findFull(buyer, state, localTime(state.now, timeZoneOf(buyer)))
    : undefined
}

function findFull(buyer: Buyer, { loadOf }: RoutingState, local: LocalTime): FullCap | undefined {
  const load = loadOf(buyer.buyerId)
  return load && findFullCap(buyer.caps, load, local)
}

/** A buyer with its lot. */
interface Candidate {
  readonly prepared: PreparedRoute
  readonly place: number
}

/**
 * Draws a lot for each buyer of one priority that can take the call; gives the best, at most `places` of
 * them, and leaves the rest out. The lot is exponentially distributed: the smallest of several falls to each
 * in proportion to its weight.
 */
function drawLots(
  routes: readonly PreparedRoute[],
  places: number,
  decision: Decision,
): readonly Candidate[] {
  const best: Candidate[] = []
  const { leftOut, request, taken } = decision
  for (const prepared of routes) {
    if (prepared.isRepeated && taken.has(prepared.route.buyerId)) continue
    const reason = whyNot(prepared, decision)
    if (reason !== undefined) {
      leftOut.push({ buyerId: prepared.route.buyerId, reason })
      continue
    }
    if (prepared.isRepeated) taken.add(prepared.route.buyerId)
    const beaten = places > 0 ? enter(best, places, prepared, request.random()) : prepared
    if (beaten) leftOut.push(beaten.tooFarDown)
  }
  return best
}

/** Puts a buyer into its place among the best; the one that finds no place among them is given back. */
function enter(
  best: Candidate[],
  places: number,
  prepared: PreparedRoute,
  drawn: number,
): PreparedRoute | undefined {
  const { weight } = prepared.route
  const worst = best.length === places ? best[places - 1] : undefined
  // A logarithm is dear, and -ln(1 - x) is never below x: most lots need none to be known as too large.
  if (worst && (weight === 0 || drawn / weight >= worst.place)) return prepared
  const place = weight > 0 ? -Math.log(1 - drawn) / weight : Number.POSITIVE_INFINITY
  if (worst && place >= worst.place) return prepared
  if (worst) best.pop()
  insert(best, { prepared, place })
  return worst?.prepared
}
/** Moves the worse ones up by hand: `splice` would take a third of the whole decision. */
function insert(candidates: Candidate[], candidate: Candidate): void {
  let index = candidates.length
  for (; index > 0; index--) {
    const before = candidates[index - 1]
    if (!before || before.place <= candidate.place) break
    candidates[index] = before
  }
  candidates[index] = candidate
}

function whyNot(
  prepared: PreparedRoute,
  { request, state, local }: Decision,
): LeftOutReason | undefined {
  const { buyer, route, zone } = prepared
  if (buyer.paused) return 'paused'
  if (prepared.isFiltered && !matches(route, request)) return 'filtered'
  const now = local[zone] ?? localTime(state.now, timeZoneOf(buyer))
  if (buyer.hours && !isOpenAt(buyer.hours.open, now)) return 'closed'
  const full = prepared.isCapped ? findFull(buyer, state, now) : undefined
  return full ?? (request.isReachable(buyer) ? undefined : 'endpoint_down')
}

/** A caller who withholds the number is from nowhere: filters on the number's beginning leave it out. */
function matches({ filters }: Route, { publisherId, callerNumber }: RoutingRequest): boolean {
  if (filters.publisherId !== undefined && filters.publisherId !== publisherId) return false
  const { callerPrefixes } = filters
  if (!callerPrefixes) return true
  return callerNumber !== undefined && startsWithAny(callerNumber, callerPrefixes)
}

function startsWithAny(number: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) if (number.startsWith(prefix)) return true
  return false
}

/** The rounds of one priority. */
function roundsOf(candidates: readonly Candidate[], priority: number): readonly Round[] {
  const rounds: PlannedLeg[][] = []
  let group: PlannedLeg[] | undefined
  for (const { prepared } of candidates) {
    const { buyer, route } = prepared
    if (route.ringsTogether && group) {
      group.push({ buyer, priority })
      continue
    }
    const round = [{ buyer, priority }]
    rounds.push(round)
    if (route.ringsTogether) group = round
  }
  return rounds
}
