import { describe, expect, it } from 'vitest'
import { listDeliveries, listPostbacks, listSettlements } from '../../src/db/call-trail.ts'
import { openTestDatabase } from '../support/database.ts'
import { anEndedCall, flowOn, post } from '../support/flow.ts'

async function settledTwice() {
  const db = await openTestDatabase()
  const deps = await flowOn(db)
  const callUuid = await anEndedCall(deps)
  await post(deps, callUuid, 'key=&revenue=10.00')
  await post(deps, callUuid, 'key=&revenue=12.5')
  return { db, deps, callUuid }
}

describe('listPostbacks', () => {
  it('gives every postback in the order they came, without keys (B15)', async () => {
    const { db, callUuid } = await settledTwice()
    expect(await listPostbacks(db, callUuid)).toMatchObject([
      { query: 'key=&revenue=10.00', method: 'GET', status: 'converted', httpStatus: 200, leg: 1 },
      { query: 'key=&revenue=12.5', status: 'adjusted', reason: 'corrected' },
    ])
  })
})

describe('listSettlements', () => {
  it('gives the ledger with its arithmetic, amounts as people write them (B15)', async () => {
    const { db, callUuid } = await settledTwice()
    const [first, second] = await listSettlements(db, callUuid)
    expect(first).toMatchObject({
      revision: 1,
      kind: 'settlement',
      revenue: '10.00',
      payout: '8.00',
      postbackValue: '10.00',
    })
    expect(first?.steps[0]).toBe('revenue 10.00 posted, settled as 10.00')
    expect(second).toMatchObject({
      revision: 2,
      kind: 'adjustment',
      revenue: '12.50',
      payout: '10.00',
    })
  })
})

describe('listDeliveries', () => {
  it('gives what was queued, each with its attempts', async () => {
    const { db, deps, callUuid } = await settledTwice()
    await post(deps, callUuid, 'revenue=13')
    await db.query(
      `insert into attempts values ($1, 'converted', 1, 1, app_now(), 'GET', 500, null, 12),
                                   ($1, 'converted', 1, 2, app_now(), 'GET', null, 'timeout', 10000),
                                   ($1, 'adjusted', 2, 1, app_now(), 'GET', 200, null, 12),
                                   ($1, 'adjusted', 3, 1, app_now(), 'GET', 204, null, 12)`,
      [callUuid],
    )
    const deliveries = await listDeliveries(db, callUuid)
    const attempts = new Map(
      deliveries.map(({ trackingUrlId, occurrence, attempts }) => [
        `${trackingUrlId} ${occurrence}`,
        attempts.map(({ attempt, status, error }) => [attempt, status, error]),
      ]),
    )
    expect(Object.fromEntries(attempts)).toEqual({
      'start 0': [],
      'selected 1': [],
      'bridged 0': [],
      'finished 1': [],
      'converted 1': [
        [1, 500, null],
        [2, null, 'timeout'],
      ],
      'adjusted 2': [[1, 200, null]],
      'adjusted 3': [[1, 204, null]],
    })
  })
})
