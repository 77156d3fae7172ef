import { appendLeftOut, lockLiveCalls } from '../db/calls.ts'
import { enqueueDeliveries } from '../db/deliveries.ts'
import { insertLegs, updateLegs } from '../db/legs.ts'
import type { CallFacts } from '../domain/call.ts'
import type { Buyer, CampaignRules } from '../domain/campaign.ts'
import { groupLeftOut } from '../domain/left-out.ts'
import { findFullBuyer, type LeftOut, type Round } from '../domain/routing.ts'
import { type Dialling, firedAtSelection, takeRound } from './begin-call.ts'
import { openPlaces, type Places } from './caps.ts'
import type { FlowDeps } from './flow-deps.ts'
import { type LegFacts, legProgress, readMoment } from './leg-facts.ts'

/** What comes after a round that nobody has answered. */
export interface NextRound {
  readonly facts: CallFacts
  readonly rules: CampaignRules
  /** The legs that have failed, in the order of their numbers. */
  readonly failed: readonly LegFacts[]
  /** Still to be tried. */
  readonly rounds: readonly Round[]
  /** The number of the first leg to be dialled now. */
  readonly firstLeg: number
  /** Whether the buyer's endpoint has been reachable of late, the failure just now included. */
  readonly isReachable: (buyer: Buyer) => boolean
}

/** The buyers that are dialled now, and those that may follow. */
export interface DialledRound {
  /** Empty where no buyer is left. */
  readonly round: Round
  readonly rest: readonly Round[]
  /** Buyers that have become full or unreachable since the call was planned. */
  readonly leftOut: readonly LeftOut[]
}

interface Advanced extends DialledRound {
  readonly next: NextRound
  readonly diallings: readonly Dialling[]
}

/**
 * Stores why legs failed, and takes and stores the next round before it is dialled. Buyers without a place
 * left by now are passed over, and so are those on a host that has turned out not to be there. For a call that
 * has ended meanwhile there is no next round: another process has taken this one for dead and closed it.
 */
export async function dialNextRounds(
  deps: FlowDeps,
  nextRounds: readonly NextRound[],
): Promise<readonly DialledRound[]> {
  const { advanced, queued } = await deps.database.transaction(async (db) => {
    const callUuids = nextRounds.map(({ facts }) => facts.callUuid)
    const [live, moment] = await Promise.all([lockLiveCalls(db, callUuids), readMoment(db)])
    const now = moment.at
    await updateLegs(
      db,
      nextRounds.flatMap(({ facts, failed }) =>
        failed.map((leg) => legProgress(facts.callUuid, leg, moment)),
      ),
    )
    const places = await openPlaces(db, buyersOf(nextRounds), {
      leaving: nextRounds.flatMap(({ facts: { callUuid }, failed }) =>
        failed.map(({ leg }) => ({ callUuid, leg })),
      ),
      now,
    })
    const advanced = nextRounds.map((next) =>
      live.has(next.facts.callUuid) ? advance(next, places, now) : noRound(next, []),
    )
    await places.store()
    await appendLeftOut(db, passedOver(advanced, now))
    await insertLegs(
      db,
      advanced.flatMap(({ next: { facts }, diallings }) =>
        diallings.map((dialling) => ({ callUuid: facts.callUuid, ...dialling, dialledAt: now })),
      ),
    )
    const deliveries = advanced.flatMap(({ next: { rules, facts }, diallings }) =>
      diallings.flatMap((dialling) => firedAtSelection(deps, rules, facts, dialling)),
    )
    await enqueueDeliveries(db, deliveries, now)
    return { advanced, queued: deliveries.length }
  })
  if (queued > 0) deps.wakeDelivery()
  return advanced.map(({ round, rest, leftOut }) => ({ round, rest, leftOut }))
}

/** The first round with a buyer who has a place left, of those that can be reached. */
function advance(next: NextRound, places: Places, now: Date): Advanced {
  const { facts, firstLeg } = next
  const state = { now, loadOf: places.loadOf, earlierBuyerId: undefined }
  const { rounds, leftOut } = reachableRounds(next)
  for (const [index, members] of rounds.entries()) {
    const round = members.filter(({ buyer }) => {
      const reason = findFullBuyer(buyer, state)
      if (reason) leftOut.push({ buyerId: buyer.buyerId, reason })
      return !reason
    })
    if (round.length > 0) {
      const diallings = takeRound(places, facts.callUuid, round, firstLeg)
      return { next, round, rest: rounds.slice(index + 1), leftOut, diallings }
    }
  }
  return noRound(next, leftOut)
}

/** What is left of all rounds: whether one is the last decides how long it may ring. */
function reachableRounds({ rounds, isReachable }: NextRound): {
  rounds: Round[]
  leftOut: LeftOut[]
} {
  const leftOut: LeftOut[] = []
  const reachable = rounds.map((round) =>
    round.filter(({ buyer }) => {
      const isThere = isReachable(buyer)
      if (!isThere) leftOut.push({ buyerId: buyer.buyerId, reason: 'endpoint_down' })
      return isThere
    }),
  )
  return { rounds: reachable.filter(({ length }) => length > 0), leftOut }
}

const noRound = (next: NextRound, leftOut: readonly LeftOut[]): Advanced => ({
  next,
  round: [],
  rest: [],
  leftOut,
  diallings: [],
})

const passedOver = (advanced: readonly Advanced[], now: Date) =>
  advanced
    .filter(({ leftOut }) => leftOut.length > 0)
    .map(({ next: { facts }, leftOut }) => ({
      callUuid: facts.callUuid,
      leftOut: groupLeftOut(leftOut, now),
    }))

function buyersOf(nextRounds: readonly NextRound[]): ReadonlySet<Buyer> {
  return new Set(
    nextRounds.flatMap(({ rounds }) => rounds.flatMap((round) => round.map(({ buyer }) => buyer))),
  )
}
