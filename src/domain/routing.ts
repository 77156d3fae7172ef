import type { Buyer, Route } from './campaign.ts'
import { findFullCap, type FullCap, isCapped, type Load, timeZoneOf } from './caps.ts'
import { isOpenAt } from './configuration-hours.ts'
import { type LocalTime, localTime } from './local-time.ts'

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
export const LEGS_MAX = 20

/**
 * Decides which buyers are tried for a call: by priority, and by lot inside a priority, where a route's
 * weight is its share of the first places. Members of a ring group stand where the first of them would.
 */
export function planRoutes(request: RoutingRequest, state: RoutingState): RoutingPlan {
  const byPriority = new Map<number, Eligible[]>()
  const leftOut: LeftOut[] = []
  for (const route of request.routes) {
    const { buyerId } = route
    const buyer = request.findBuyer(buyerId)
    const reason = buyer ? whyNot(route, buyer, request, state) : 'unknown_buyer'
    if (!buyer || reason !== undefined) {
      leftOut.push({ buyerId, reason: reason ?? 'unknown_buyer' })
      continue
    }
    const priority = buyerId === state.earlierBuyerId ? BEFORE_ALL : route.priority
    const eligible = byPriority.get(priority)
    if (eligible) eligible.push({ route, buyer })
    else byPriority.set(priority, [{ route, buyer }])
  }
  const rounds: Round[] = []
  let free = LEGS_MAX
  for (const priority of [...byPriority.keys()].toSorted((a, b) => a - b)) {
    const tried = drawLots(byPriority.get(priority) ?? [], free, request.random, leftOut)
    free -= tried.length
    rounds.push(...roundsOf(tried, priority))
  }
  return { rounds, leftOut }
}

/** Whether a buyer has become full since the call was planned. */
export function findFullBuyer(buyer: Buyer, state: RoutingState): FullCap | undefined {
  return isCapped(buyer) ? findFull(buyer, state, localTimeOf(buyer, state)) : undefined
}

const localTimeOf = (buyer: Buyer, { now }: RoutingState): LocalTime =>
  localTime(now, timeZoneOf(buyer))

function findFull(buyer: Buyer, { loadOf }: RoutingState, local: LocalTime): FullCap | undefined {
  const load = loadOf(buyer.buyerId)
  return load && findFullCap(buyer.caps, load, local)
}

/** A buyer that can take the call. */
interface Eligible {
  readonly route: Route
  readonly buyer: Buyer
}

/** A buyer with its lot. */
interface Candidate {
  readonly buyer: Buyer
  readonly place: number
  readonly ringsTogether: boolean
}

/**
 * Draws a lot for each buyer of one priority; gives the best, at most `places` of them, and leaves the rest
 * out. The lot is exponentially distributed: the smallest of several falls to each in proportion to its weight.
 */
function drawLots(
  eligible: readonly Eligible[],
  places: number,
  random: () => number,
  leftOut: LeftOut[],
): readonly Candidate[] {
  const best: Candidate[] = []
  for (const { route, buyer } of eligible) {
    const beaten = places > 0 ? enter(best, places, { route, buyer }, random()) : buyer
    if (beaten) leftOut.push({ buyerId: beaten.buyerId, reason: 'too_far_down' })
  }
  return best
}

/** Puts a buyer into its place among the best; the one that finds no place among them is given back. */
function enter(
  best: Candidate[],
  places: number,
  { route: { weight, ringsTogether }, buyer }: Eligible,
  drawn: number,
): Buyer | undefined {
  const worst = best.length === places ? best.at(-1) : undefined
  // A logarithm is dear, and -ln(1 - x) is never below x: most lots need none to be known as too large.
  if (worst && (weight === 0 || drawn / weight >= worst.place)) return buyer
  const place = weight > 0 ? -Math.log(1 - drawn) / weight : Number.POSITIVE_INFINITY
  if (worst && place >= worst.place) return buyer
  if (worst) best.pop()
  insert(best, { buyer, place, ringsTogether })
  return worst?.buyer
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
  route: Route,
  buyer: Buyer,
  request: RoutingRequest,
  state: RoutingState,
): LeftOutReason | undefined {
  if (buyer.paused) return 'paused'
  if (!matches(route, request)) return 'filtered'
  const { hours } = buyer
  if (hours || isCapped(buyer)) {
    const local = localTimeOf(buyer, state)
    if (hours && !isOpenAt(hours.open, local)) return 'closed'
    const full = findFull(buyer, state, local)
    if (full) return full
  }
  return request.isReachable(buyer) ? undefined : 'endpoint_down'
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
  for (const { buyer, ringsTogether } of candidates) {
    if (ringsTogether && group) {
      group.push({ buyer, priority })
      continue
    }
    const round = [{ buyer, priority }]
    rounds.push(round)
    if (ringsTogether) group = round
  }
  return rounds
}
