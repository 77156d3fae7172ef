import { expect, it } from 'vitest'
import { finish } from '../../src/db/finished-attempts.ts'
import { type ClaimedDelivery, release } from '../../src/db/lanes.ts'
import { attempted, claim } from '../delivery/support/lanes.ts'
import {
  aDelivery,
  insertCalls,
  queue,
  readAttempts,
  readDeliveries,
  readLanes,
} from '../delivery/support/outbox.ts'
import { openTestDatabase } from '../support/database.ts'

const countByHost = (claimed: readonly ClaimedDelivery[]) =>
  Object.fromEntries(
    Object.entries(Object.groupBy(claimed, ({ host }) => host)).map(([host, all]) => [
      host,
      all?.length,
    ]),
  )

it('claims a due delivery with everything that is needed to send it, and leases its lane', async () => {
  const db = await openTestDatabase()
  const [callUuid = ''] = await insertCalls(db, 1)
  const body = { type: 'converted', data: { payout: '8.00' } } as const
  await queue(db, [aDelivery(callUuid, { method: 'POST', body, trigger: 'converted' })])

  const [claimed, ...others] = await claim(db)

  expect(others).toEqual([])
  expect(claimed).toEqual({
    callUuid,
    trackingUrlId: 'ping',
    token: expect.any(String) as string,
    host: 'partner.example',
    attempt: 1,
    claimedAt: expect.any(Date) as Date,
    occurrence: 0,
    trigger: 'converted',
    method: 'POST',
    url: 'http://partner.example/ping?key=[call_key]',
    body: '{"data": {"payout": "8.00"}, "type": "converted"}',
    leg: 1,
    getAfterHeadRefused: true,
    campaignId: 'solar',
    campaignVersion: 1,
  })
  const [lane] = await readLanes(db)
  expect(lane).toMatchObject({ isLeased: true, pending: 1 })
  expect(lane?.dueInSeconds).toBeCloseTo(15, 0)
  expect(await claim(db)).toEqual([])
})

it('gives no host more than its cap, and none to a host without a slot (B14)', async () => {
  const db = await openTestDatabase()
  const callUuids = await insertCalls(db, 30)
  await queue(
    db,
    callUuids.map((callUuid, n) => aDelivery(callUuid, { host: `h${n % 3}.example` })),
  )

  const slots = new Map([
    ['h0.example', 0],
    ['h1.example', 2],
  ])
  expect(countByHost(await claim(db, { slots }))).toEqual({ 'h1.example': 2, 'h2.example': 4 })
})

it('starts behind the host where the last claim ended, and comes round', async () => {
  const db = await openTestDatabase()
  const callUuids = await insertCalls(db, 12)
  await queue(
    db,
    callUuids.map((callUuid, n) => aDelivery(callUuid, { host: `h${n % 4}.example` })),
  )
  const some = { limit: 3, perHostMax: 1 }

  const first = await claim(db, { ...some, afterHost: '' })
  const second = await claim(db, { ...some, afterHost: 'h2.example' })

  expect(first.map(({ host }) => host).toSorted()).toEqual([
    'h0.example',
    'h1.example',
    'h2.example',
  ])
  expect(second.map(({ host }) => host).toSorted()).toEqual([
    'h0.example',
    'h1.example',
    'h3.example',
  ])
})

it('takes the lanes of a host that have been due for longest', async () => {
  const db = await openTestDatabase()
  const [a = '', b = '', c = ''] = await insertCalls(db, 3)
  await queue(db, [aDelivery(a), aDelivery(b), aDelivery(c)])
  await db.query(`update lanes set run_at = app_now() - interval '1 minute' where call_uuid = $1`, [
    c,
  ])

  const claimed = await claim(db, { perHostMax: 1 })

  expect(claimed.map(({ callUuid }) => callUuid)).toEqual([c])
})

it('sends the deliveries of a lane one at a time, in order (B14)', async () => {
  const db = await openTestDatabase()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { occurrence: 2 }), aDelivery(callUuid, { occurrence: 1 })])

  const [first] = await claim(db)
  expect(first?.occurrence).toBe(1)
  expect(await claim(db)).toEqual([])
  expect(await finish(db, [attempted(first)])).toEqual([{ kind: 'stored', pending: 1 }])

  const [second] = await claim(db)
  expect(second?.occurrence).toBe(2)
  expect(await finish(db, [attempted(second)])).toEqual([{ kind: 'stored', pending: 0 }])
  expect(await readLanes(db)).toEqual([])
  expect(await readDeliveries(db)).toEqual([
    { trackingUrlId: 'ping', occurrence: 1, state: 'delivered', isFinished: true },
    { trackingUrlId: 'ping', occurrence: 2, state: 'delivered', isFinished: true },
  ])
})

it('keeps a delivery that is to be retried at the head, and counts its attempts (B14)', async () => {
  const db = await openTestDatabase()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { occurrence: 1 }), aDelivery(callUuid, { occurrence: 2 })])

  const [first] = await claim(db)
  await finish(db, [
    {
      ...attempted(first, { kind: 'retry', delaySeconds: 30 }),
      status: undefined,
      error: 'timeout',
    },
  ])

  const [lane] = await readLanes(db)
  expect(lane).toMatchObject({ pending: 2, attempt: 1, isLeased: false })
  expect(lane?.dueInSeconds).toBeCloseTo(30, 0)
  expect(await claim(db)).toEqual([])

  await db.setClock('31 seconds')
  const [second] = await claim(db)
  expect(second).toMatchObject({ occurrence: 1, attempt: 2 })
  await finish(db, [attempted(second)])
  expect(await claim(db)).toMatchObject([{ occurrence: 2, attempt: 1 }])
  expect(await readAttempts(db)).toEqual([
    { occurrence: 1, attempt: 1, method: 'HEAD', status: null, error: 'timeout' },
    { occurrence: 1, attempt: 2, method: 'HEAD', status: 200, error: null },
  ])
})

it('lets the next delivery pass once the one before it has failed for good (B14)', async () => {
  const db = await openTestDatabase()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { occurrence: 1 }), aDelivery(callUuid, { occurrence: 2 })])

  const [first] = await claim(db)
  await finish(db, [attempted(first, { kind: 'done', state: 'failed' })])

  expect(await claim(db)).toMatchObject([{ occurrence: 2, attempt: 1 }])
  expect(await readDeliveries(db)).toMatchObject([{ state: 'failed' }, { state: 'queued' }])
})

it('lets another worker take over when a lease ends, and refuses what the first stores late', async () => {
  const db = await openTestDatabase()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid)])
  const [stale] = await claim(db)

  await db.setClock('14 seconds')
  expect(await claim(db)).toEqual([])
  await db.setClock('16 seconds')
  const [taken] = await claim(db)

  expect(taken).toMatchObject({ occurrence: 0, attempt: 1 })
  expect(await finish(db, [attempted(stale)])).toEqual([{ kind: 'stale' }])
  expect(await readDeliveries(db)).toMatchObject([{ state: 'queued' }])
  expect(await readAttempts(db)).toEqual([])
  expect(await finish(db, [attempted(taken)])).toEqual([{ kind: 'stored', pending: 0 }])
  expect(await finish(db, [attempted(taken)])).toEqual([{ kind: 'stale' }])
})

it('answers a batch in its order, the refused beside the stored', async () => {
  const db = await openTestDatabase()
  const callUuids = await insertCalls(db, 4)
  await queue(
    db,
    callUuids.map((callUuid) => aDelivery(callUuid)),
  )
  const claimed = await claim(db)
  const results = claimed.map((delivery) => attempted(delivery)).toReversed()
  const [first] = results
  if (!first) throw new Error('nothing was claimed')
  await release(db, [first])

  expect(await finish(db, results)).toEqual([
    { kind: 'stale' },
    { kind: 'stored', pending: 0 },
    { kind: 'stored', pending: 0 },
    { kind: 'stored', pending: 0 },
  ])
})

it('gives a lane back without counting an attempt', async () => {
  const db = await openTestDatabase()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid)])

  await release(db, await claim(db))

  expect(await claim(db)).toMatchObject([{ occurrence: 0, attempt: 1 }])
})

it('numbers attempts on where a failed delivery is sent again', async () => {
  const db = await openTestDatabase()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid)])
  const [first] = await claim(db)
  await finish(db, [attempted(first, { kind: 'done', state: 'failed' })])

  await db.query(`update deliveries set state = 'queued', finished_at = null`)
  await db.query(
    `insert into lanes (call_uuid, tracking_url_id, host, pending, run_at)
     values ($1, 'ping', 'partner.example', 1, app_now())`,
    [callUuid],
  )
  const [again] = await claim(db)
  await finish(db, [attempted(again)])

  expect(again?.attempt).toBe(1)
  expect((await readAttempts(db)).map(({ attempt }) => attempt)).toEqual([1, 2])
})

it('drops a lane whose deliveries are gone, and keeps the one that has some left', async () => {
  const db = await openTestDatabase()
  const [callUuid = '', other = ''] = await insertCalls(db, 2)
  await queue(db, [aDelivery(callUuid), aDelivery(other, { occurrence: 1 })])
  await queue(db, [aDelivery(other, { occurrence: 2 })])
  await db.query(`delete from deliveries where call_uuid = $1 or occurrence = 1`, [callUuid])

  expect(await claim(db)).toMatchObject([{ callUuid: other, occurrence: 2 }])
  expect(await readLanes(db)).toMatchObject([{ pending: 2 }])
  await db.setClock('16 seconds')
  await db.query('delete from deliveries')
  expect(await claim(db)).toEqual([])
  expect(await readLanes(db)).toEqual([])
})
