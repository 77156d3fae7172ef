import { expect, it } from 'vitest'
import type { Database } from '../../src/db/queryable.ts'
import { endCalls } from '../../src/flow/end-call.ts'
import { createSteps } from '../../src/flow/steps.ts'
import { openTestDatabase } from '../support/database.ts'
import { aCampaign, beginCall, bridgeCall, flowOn } from '../support/flow.ts'

const anEnd = {
  connectedMs: 60_000,
  totalMs: 70_000,
  hungUpBy: 'caller',
  endReason: 'caller_hung_up',
  sipStatus: 200,
} as const

it('keeps the instant at which a leg was first said to be answered, however often it is told', async () => {
  const database = await openTestDatabase()
  const deps = await flowOn(database)
  const { callUuid, ...facts } = await beginCall(deps)
  await bridgeCall(deps, { callUuid, ...facts })
  const answeredAt = async () =>
    (await database.query('select answered_at from legs where call_uuid = $1', [callUuid])).rows
  const first = await answeredAt()

  const nowMs = performance.now()
  await endCalls(deps, [
    {
      ...anEnd,
      callUuid,
      endedAtMs: nowMs,
      legs: [{ leg: 1, answeredAtMs: nowMs - 60_000, endedAtMs: nowMs }],
    },
  ])

  expect(await answeredAt()).toEqual(first)
})

/** A database that is away for the first transaction of every fact. */
function oftenAway(database: Database): Database {
  let isAway = false
  return {
    ...database,
    transaction: async (work) => {
      isAway = !isAway
      if (isAway) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
      return database.transaction(work)
    },
  }
}

it('keeps the times of all legs when they can be stored only later', async () => {
  const database = await openTestDatabase()
  const deps = await flowOn(database)
  const facts = await beginCall(deps)
  const { callUuid } = facts
  await database.query(
    `insert into legs (call_uuid, leg, buyer_id, endpoint, dialled_at)
     select call_uuid, 2, buyer_id, endpoint, dialled_at from legs`,
  )
  const steps = createSteps(
    { ...deps, database: oftenAway(database) },
    new AbortController().signal,
  )
  const answeredAtMs = performance.now() - 60_000
  await steps.bridgeCall({
    facts,
    rules: aCampaign(),
    buyerId: 'solar-direct',
    leg: { leg: 1, ringingAtMs: answeredAtMs - 10_000, answeredAtMs },
    lost: [{ leg: 2, ringingAtMs: answeredAtMs - 5_000, endedAtMs: answeredAtMs }],
  })
  const endedAtMs = answeredAtMs + 30_000
  await steps.endCall({ ...anEnd, callUuid, endedAtMs, legs: [{ leg: 1, endedAtMs }] })

  const { rows } = await database.query(
    `select leg, legs.ringing_at - calls.answered_at = make_interval(secs => 5 * leg - 15) "hasRung",
            coalesce(legs.answered_at, legs.ended_at) = calls.answered_at "isOverAtAnswer",
            legs.ended_at = calls.ended_at "endsWithCall",
            round(extract(epoch from calls.ended_at - calls.answered_at))::int seconds
       from legs join calls using (call_uuid) order by leg`,
  )
  const isSo = { hasRung: true, isOverAtAnswer: true, seconds: 30 }
  expect(rows).toEqual([
    { leg: 1, ...isSo, endsWithCall: true },
    { leg: 2, ...isSo, endsWithCall: false },
  ])
})
