import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { findCall } from '../../src/db/call-records.ts'
import { openDatabase } from '../../src/db/pool.ts'
import { beat } from '../../src/db/processes.ts'
import type { Database } from '../../src/db/queryable.ts'
import { NOT_YET_KNOWN } from '../../src/domain/call.ts'
import type { Buyer } from '../../src/domain/campaign.ts'
import { beginCalls, type BegunCall, type CallBeginning } from '../../src/flow/begin-call.ts'
import { bridgeCalls } from '../../src/flow/bridge-call.ts'
import { dialNextRounds, type NextRound } from '../../src/flow/dial-leg.ts'
import { endCalls } from '../../src/flow/end-call.ts'
import type { FlowDeps } from '../../src/flow/flow-deps.ts'
import { recoverCalls } from '../../src/flow/recover-calls.ts'
import { createSteps } from '../../src/flow/steps.ts'
import { openTestDatabase } from '../support/database.ts'
import { aBuyer, aCampaign, endCall, flowOn, routingTo, silent } from '../support/flow.ts'

const NO_CAPS = aBuyer().caps
const capped = (buyerId: string, caps: Partial<Buyer['caps']>) =>
  aBuyer({ buyerId, caps: { ...NO_CAPS, ...caps } })
const RULES = aCampaign({ trackingUrls: [], returnsCallers: true })

async function start() {
  const database = await openTestDatabase()
  return { database, deps: await flowOn(database, RULES) }
}

function aBeginning(buyers: readonly Buyer[], processId = uuidv7()): CallBeginning {
  const callUuid = uuidv7()
  return {
    facts: {
      callUuid,
      campaignId: RULES.campaignId,
      campaignVersion: 1,
      publisherId: 'acme-media',
      subId: undefined,
      callerNumber: '+12125550100',
      dialedNumber: '+18005550100',
      tags: {},
      ...NOT_YET_KNOWN,
    },
    rules: RULES,
    processId,
    trunkId: undefined,
    sipCallId: 'a@b',
    startedAgoMs: 0,
    routing: routingTo(...buyers),
  }
}

async function begin(deps: FlowDeps, ...buyers: readonly Buyer[]): Promise<BegunCall> {
  const [begun] = await beginCalls(deps, [aBeginning(buyers)])
  if (!begun) throw new Error('no call was begun')
  return begun
}

const answer = (deps: FlowDeps, { facts }: BegunCall, buyerId: string, leg = 1) =>
  bridgeCalls(deps, [
    { facts, rules: RULES, buyerId, leg: { leg, answeredAtMs: performance.now() }, lost: [] },
  ])

/** The first buyer of the call was busy. */
const afterRoundOf = ({ facts, plan }: BegunCall): NextRound => ({
  facts,
  rules: RULES,
  failed: [{ leg: 1, sipStatus: 486 }],
  rounds: plan.rounds.slice(1),
  firstLeg: 2,
  isReachable: () => true,
})

const buyersOf = ({ plan }: Pick<BegunCall, 'plan'>) =>
  plan.rounds.map((round) => round.map(({ buyer }) => buyer.buyerId).join('+'))

/** `buyer concurrent/hourly/total` for each that has a load, and the legs that hold a place. */
async function places(database: Database): Promise<readonly string[]> {
  const { rows } = await database.query<{ place: string }>(
    `select buyer_id || ' ' || concurrent || '/' || hourly || '/' || total place from buyer_loads
     union all select 'held ' || count(*) from held_places order by place`,
  )
  return rows.map(({ place }) => place)
}

it('buyers that were left out are kept with the call, by reason (B15)', async () => {
  const { database, deps } = await start()
  const paused = ['p', 'q'].map((buyerId) => aBuyer({ buyerId, paused: true }))
  const call = await begin(deps, ...paused, aBuyer())
  const stored = await findCall(database, call.facts.callUuid)
  expect(stored?.leftOut).toEqual([
    { at: stored?.legs[0]?.dialledAt, reason: 'paused', buyers: ['p', 'q'], count: 2 },
  ])
})

it('buyers on a host that the call has found dead are passed over, and kept with it (B15)', async () => {
  const { database, deps } = await start()
  const buyers = ['a', 'b', 'c', 'd'].map((buyerId) => aBuyer({ buyerId }))
  const call = await begin(deps, ...buyers)
  const isReachable = ({ buyerId }: Buyer) => buyerId === 'c'
  const [dialled] = await dialNextRounds(deps, [{ ...afterRoundOf(call), isReachable }])
  expect(dialled).toMatchObject({
    round: [{ buyer: { buyerId: 'c' } }],
    rest: [],
    leftOut: [
      { buyerId: 'b', reason: 'endpoint_down' },
      { buyerId: 'd', reason: 'endpoint_down' },
    ],
  })
  const stored = await findCall(database, call.facts.callUuid)
  expect(stored?.leftOut).toMatchObject([{ reason: 'endpoint_down', buyers: ['b', 'd'] }])
})

describe('a place at a buyer with caps', () => {
  it('is held from before the buyer is dialled until the call ends, and counted if it answered', async () => {
    const { database, deps } = await start()
    const buyer = capped('a', { concurrent: 1, hourly: 9 })
    const call = await begin(deps, buyer)
    expect(await places(database)).toEqual(['a 1/1/1', 'held 1'])
    const second = await begin(deps, buyer)
    expect(second.plan).toMatchObject({ leftOut: [{ buyerId: 'a', reason: 'cap_concurrent' }] })
    await answer(deps, call, 'a')
    await endCall(deps, call.facts.callUuid)
    expect(await places(database)).toEqual(['a 0/1/1', 'held 0'])
    expect(buyersOf(await begin(deps, buyer))).toEqual(['a'])
  })

  it('is given back when nobody answers, once, however often the end is stored', async () => {
    const { database, deps } = await start()
    const call = await begin(deps, capped('a', { total: 1 }))
    const ends = Array.from({ length: 5 }, () => endCall(deps, call.facts.callUuid, undefined))
    await Promise.all(ends)
    expect(await places(database)).toEqual(['a 0/0/0', 'held 0'])
  })

  it('moves to the next buyer with the call, past one that is full by then', async () => {
    const { database, deps } = await start()
    const [a, b, c] = [
      capped('a', { concurrent: 1 }),
      capped('b', { concurrent: 1 }),
      capped('c', { concurrent: 1 }),
    ] as const
    const call = await begin(deps, a, b, c)
    await begin(deps, b)
    const [dialled] = await dialNextRounds(deps, [afterRoundOf(call)])
    expect(dialled).toMatchObject({
      round: [{ buyer: { buyerId: 'c' } }],
      rest: [],
      leftOut: [{ buyerId: 'b', reason: 'cap_concurrent' }],
    })
    expect(await places(database)).toEqual(['a 0/0/0', 'b 1/1/1', 'c 1/1/1', 'held 2'])
    const stored = await findCall(database, call.facts.callUuid)
    expect(stored?.leftOut).toMatchObject([{ reason: 'cap_concurrent', buyers: ['b'] }])
    const { rows } = await database.query(
      `select leg, buyer_id, sip_status from legs where call_uuid = $1 order by leg`,
      [call.facts.callUuid],
    )
    expect(rows).toEqual([
      { leg: 1, buyer_id: 'a', sip_status: 486 },
      { leg: 2, buyer_id: 'c', sip_status: null },
    ])
  })

  it('of a ring group is given back by those that lost', async () => {
    const { database, deps } = await start()
    const beginning = aBeginning([capped('a', { total: 5 }), capped('b', { total: 5 })])
    const { routing } = beginning
    const routes = routing.routes.map((route) => ({ ...route, priority: 1, ringsTogether: true }))
    const [call] = await beginCalls(deps, [{ ...beginning, routing: { ...routing, routes } }])
    expect(await places(database)).toEqual(['a 1/1/1', 'b 1/1/1', 'held 2'])
    if (!call) throw new Error('no call was begun')
    const leg = { leg: 2, answeredAtMs: performance.now() }
    const lost = [
      {
        leg: 1,
        endedAtMs: performance.now(),
        sipStatus: 487,
        fault: 'bridge',
        reason: 'lost_the_race',
      },
    ]
    await bridgeCalls(deps, [{ facts: call.facts, rules: RULES, buyerId: 'b', leg, lost }])
    expect(await places(database)).toEqual(['a 0/0/0', 'b 1/1/1', 'held 1'])
  })

  it('is given back when the process that held the call is dead', async () => {
    const { database, deps } = await start()
    const processId = uuidv7()
    await beat(database, processId)
    await beginCalls(deps, [aBeginning([capped('a', { concurrent: 1 })], processId)])
    await database.setClock('60 seconds')
    expect(await recoverCalls(deps)).toMatchObject({ closed: 1 })
    expect(await places(database)).toEqual(['a 0/0/0', 'held 0'])
  })

  it('is neither taken nor kept for a call that another process has closed meanwhile', async () => {
    const { database, deps } = await start()
    const processId = uuidv7()
    await beat(database, processId)
    const [a, b] = [capped('a', { concurrent: 1 }), capped('b', { concurrent: 1 })] as const
    const [call] = await beginCalls(deps, [aBeginning([a, b], processId)])
    if (!call) throw new Error('no call was begun')
    await database.setClock('60 seconds')
    expect(await recoverCalls(deps)).toMatchObject({ closed: 1 })
    const dialled = await dialNextRounds(deps, [afterRoundOf(call)])
    expect(dialled).toEqual([{ round: [], rest: [], leftOut: [] }])
    await endCall(deps, call.facts.callUuid, undefined)
    expect(await places(database)).toEqual(['a 0/0/0', 'b 0/0/0', 'held 0'])
    const { rows } = await database.query(`select leg, sip_status from legs`)
    expect(rows).toEqual([{ leg: 1, sip_status: 486 }])
  })

  it('is not taken by an answer that comes when the call was closed already, and the log says so', async () => {
    const { database, deps } = await start()
    const late: object[] = []
    const warn = (event: string, fields: object) => void late.push({ event, ...fields })
    const call = await begin(deps, capped('a', { concurrent: 1 }))
    await answer({ ...deps, log: { ...silent, warn } }, call, 'a')
    await answer({ ...deps, log: { ...silent, warn } }, call, 'a')
    expect(late).toEqual([])
    await endCall(deps, call.facts.callUuid)
    await answer({ ...deps, log: { ...silent, warn } }, call, 'a')
    expect(late).toEqual([
      { event: 'fact.too_late', fact: 'bridged', call_uuid: call.facts.callUuid },
    ])
    expect(await places(database)).toEqual(['a 0/1/1', 'held 0'])
  })

  it('that a call holds although it has ended is given back when the end is stored again', async () => {
    const { database, deps } = await start()
    const call = await begin(deps, capped('a', { concurrent: 1 }))
    await endCall(deps, call.facts.callUuid, undefined)
    await database.query(`update buyer_loads set concurrent = 1`)
    await database.query(`insert into held_places values ($1, 2, 'a', '', '', '')`, [
      call.facts.callUuid,
    ])
    await endCall(deps, call.facts.callUuid, undefined)
    expect(await places(database)).toEqual(['a 0/0/0', 'held 0'])
  })

  it('of yesterday does not count today', async () => {
    const { database, deps } = await start()
    const buyer = capped('a', { daily: 1 })
    const call = await begin(deps, buyer)
    await answer(deps, call, 'a')
    await endCall(deps, call.facts.callUuid)
    expect(buyersOf(await begin(deps, buyer))).toEqual([])
    await database.setClock('1 day')
    expect(buyersOf(await begin(deps, buyer))).toEqual(['a'])
  })

  it('is not looked after for buyers without caps', async () => {
    const { database, deps } = await start()
    const call = await begin(deps, aBuyer())
    await endCall(deps, call.facts.callUuid)
    expect(await places(database)).toEqual(['held 0'])
  })
})

it('no cap is exceeded and no place is lost by 200 calls at once in two processes', async () => {
  const { database, deps } = await start()
  const other = openDatabase({ connection: database.connection, max: 4 })
  const stop = new AbortController()
  const steps = [deps, { ...deps, database: other }].map((each) => createSteps(each, stop.signal))
  const [a, b] = [capped('a', { concurrent: 70 }), capped('b', { daily: 50 })] as const
  const call = async (index: number) => {
    const step = steps[index % 2]
    if (!step) throw new Error('no process')
    const begun = await step.beginCall(aBeginning(index % 3 === 0 ? [a, b] : [b, a]))
    const [buyerId] = buyersOf(begun)
    if (buyerId !== undefined) {
      const leg = { leg: 1, answeredAtMs: performance.now() }
      await step.bridgeCall({ facts: begun.facts, rules: RULES, buyerId, leg, lost: [] })
    }
    return { begun, buyerId, step }
  }
  const calls = await Promise.all(Array.from({ length: 200 }, (_, index) => call(index)))
  const taken = Object.groupBy(calls, ({ buyerId }) => buyerId ?? 'nobody')
  expect([taken.a?.length, taken.b?.length, taken.nobody?.length]).toEqual([70, 50, 80])
  expect(await places(database)).toEqual(['a 70/70/70', 'b 50/50/50', 'held 120'])
  await Promise.all(
    calls.map(({ begun: { facts }, step }) =>
      step.endCall({
        callUuid: facts.callUuid,
        endedAtMs: performance.now(),
        connectedMs: 1_000,
        totalMs: 2_000,
        hungUpBy: 'caller',
        endReason: 'caller_hung_up',
        sipStatus: 200,
        legs: [],
      }),
    ),
  )
  expect(await places(database)).toEqual(['a 0/70/70', 'b 0/50/50', 'held 0'])
  await other.close()
})

it('a caller who comes back goes to the buyer that answered before, where the campaign says so', async () => {
  const { deps } = await start()
  const [a, b] = [aBuyer({ buyerId: 'a' }), aBuyer({ buyerId: 'b' })] as const
  const first = await begin(deps, a, b)
  await answer(deps, first, 'b')
  await endCalls(deps, [])
  expect(buyersOf(await begin(deps, a, b))).toEqual(['b', 'a'])
  const asked = aBeginning([a, b])
  const [elsewhere] = await beginCalls(deps, [
    { ...asked, rules: { ...RULES, returnsCallers: false } },
  ])
  expect(elsewhere && buyersOf(elsewhere)).toEqual(['a', 'b'])
})
