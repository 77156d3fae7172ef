/** A process that takes calls through the steps of the flow, as its parent tells it. */
import { v7 as uuidv7 } from 'uuid'
import { openDatabase } from '../../../src/db/pool.ts'
import { beat } from '../../../src/db/processes.ts'
import { NOT_YET_KNOWN } from '../../../src/domain/call.ts'
import type { Buyer } from '../../../src/domain/campaign.ts'
import type { Caps } from '../../../src/domain/caps.ts'
import type { BegunCall } from '../../../src/flow/begin-call.ts'
import type { FlowDeps } from '../../../src/flow/flow-deps.ts'
import { recoverCalls } from '../../../src/flow/recover-calls.ts'
import { createSteps, type Steps } from '../../../src/flow/steps.ts'
import { aBuyer, aCampaign, routingTo, silent } from '../../support/flow.ts'

/** What the parent says at the start. */
export interface CallingSettings {
  readonly connection: Parameters<typeof openDatabase>[0]['connection']
  /** One buyer for each, in this order. */
  readonly caps: Readonly<Record<string, Partial<Caps>>>
}

export type Order =
  /** Begins so many calls at once; the buyers that they got. */
  | { readonly kind: 'begin'; readonly count: number }
  /** Has the buyer answer for every nth call that rings. */
  | { readonly kind: 'answer'; readonly every: number }
  /** Ends all calls at once, each in one of the ways in which a call may end. */
  | { readonly kind: 'end' }
  | { readonly kind: 'beat' }
  /** Closes the calls of processes that are dead. */
  | { readonly kind: 'recover' }

/** How many calls each buyer has; `nobody` for those that got none. */
export type Tally = Readonly<Record<string, number>>

/** A call as the process knows it. */
interface HeldCall {
  readonly begun: BegunCall
  buyerId: string | undefined
  isAnswered: boolean
}

const rules = aCampaign({ trackingUrls: [], conversionGroups: [] })

function buyersOf({ caps }: CallingSettings): readonly Buyer[] {
  const noCaps = aBuyer().caps
  return Object.entries(caps).map(([buyerId, own]) =>
    aBuyer({ buyerId, caps: { ...noCaps, ...own } }),
  )
}

function open(settings: CallingSettings) {
  const database = openDatabase({ connection: settings.connection, max: 6 })
  const deps: FlowDeps = {
    database,
    campaignRules: async () => rules,
    names: () => ({ campaignName: '', publisherName: '', buyerName: undefined }),
    wakeDelivery: () => {},
    log: silent,
  }
  const steps = createSteps(deps, new AbortController().signal)
  const state = { calls: [] as HeldCall[] }
  const processId = uuidv7()
  const buyers = buyersOf(settings)

  return async (order: Order): Promise<Tally> => {
    switch (order.kind) {
      case 'begin': {
        const numbers = Array.from({ length: order.count }, (_, index) => index)
        const begun = await Promise.all(
          numbers.map((index) => begin(steps, processId, turned(buyers, index))),
        )
        state.calls.push(...begun)
        return tally(begun)
      }
      case 'answer': {
        const answered = state.calls.filter((_, index) => index % order.every === 0)
        await Promise.all(answered.map((call) => answer(steps, call)))
        return tally(answered)
      }
      case 'end': {
        const ending = state.calls.splice(0)
        await Promise.all(ending.map((call, index) => end(steps, call, index)))
        return tally(ending.filter(({ isAnswered }) => isAnswered))
      }
      case 'beat':
        await beat(database, processId)
        return {}
      case 'recover':
        return { closed: (await recoverCalls(deps)).closed }
    }
  }
}

const turned = (buyers: readonly Buyer[], by: number): readonly Buyer[] => {
  const first = by % buyers.length
  return [...buyers.slice(first), ...buyers.slice(0, first)]
}

function tally(calls: readonly HeldCall[]): Tally {
  const byBuyer = Map.groupBy(calls, ({ buyerId }) => buyerId ?? 'nobody')
  return Object.fromEntries([...byBuyer].map(([buyerId, { length }]) => [buyerId, length]))
}

async function begin(steps: Steps, processId: string, buyers: readonly Buyer[]): Promise<HeldCall> {
  const begun = await steps.beginCall({
    facts: {
      callUuid: uuidv7(),
      campaignId: rules.campaignId,
      campaignVersion: 1,
      publisherId: 'acme-media',
      subId: undefined,
      callerNumber: undefined,
      dialedNumber: '+18005550100',
      tags: {},
      ...NOT_YET_KNOWN,
    },
    rules,
    processId,
    trunkId: undefined,
    sipCallId: 'a@b',
    startedAgoMs: 0,
    routing: routingTo(...buyers),
  })
  const buyerId = begun.plan.rounds[0]?.[0]?.buyer.buyerId
  return { begun, buyerId, isAnswered: false }
}

async function answer(steps: Steps, call: HeldCall, leg = 1): Promise<void> {
  const { begun, buyerId } = call
  if (buyerId === undefined || call.isAnswered) return
  const answered = { leg, answeredAtMs: performance.now() }
  await steps.bridgeCall({ facts: begun.facts, rules, buyerId, leg: answered, lost: [] })
  call.isAnswered = true
}

/** Caller or buyer hang up, the caller gives up, or a buyer is busy and the next one takes the call or not. */
async function end(steps: Steps, call: HeldCall, way: number): Promise<void> {
  const { begun } = call
  if (!call.isAnswered && way % 3 !== 0) {
    const dialled = await steps.dialNextRound({
      facts: begun.facts,
      rules,
      failed: [
        { leg: 1, endedAtMs: performance.now(), sipStatus: 486, fault: 'buyer', reason: 'busy' },
      ],
      rounds: begun.plan.rounds.slice(1),
      firstLeg: 2,
      isReachable: () => true,
    })
    call.buyerId = dialled.round[0]?.buyer.buyerId
    if (way % 3 === 1) await answer(steps, call, 2)
  }
  await steps.endCall({
    callUuid: begun.facts.callUuid,
    endedAtMs: performance.now(),
    connectedMs: call.isAnswered ? 1_000 : undefined,
    totalMs: 2_000,
    hungUpBy: way % 2 === 0 ? 'caller' : 'buyer',
    endReason: 'over',
    sipStatus: call.isAnswered ? 200 : 480,
    legs: [],
  })
}

if (import.meta.main) {
  const obey = open(JSON.parse(process.argv[2] ?? '{}') as CallingSettings)
  // Without its parent it would run for ever.
  process.once('disconnect', () => process.exit(1))
  process.on('message', (order: Order) => {
    void obey(order).then((tally) => process.send?.(tally))
  })
}
