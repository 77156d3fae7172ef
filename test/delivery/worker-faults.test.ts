import { expect, it } from 'vitest'
import { claimDue } from '../../src/db/lanes.ts'
import type { Database } from '../../src/db/queryable.ts'
import { openTestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'
import {
  aDelivery,
  insertCalls,
  queue,
  readAttempts,
  readDeliveries,
  readLanes,
} from './support/outbox.ts'
import { startRawReceiver, startReceiver } from './support/receiver.ts'
import { startWorker } from './support/worker.ts'

it('takes over from a worker that died, and the dead one cannot finish afterwards', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { url: receiver.origin })])
  // The worker that died: it has claimed and is heard of no more.
  const dead = { limit: 1, perHostMax: 1, slots: new Map<string, number>(), afterHost: '' }
  expect(await claimDue(db, { ...dead, leaseMs: 15_000 })).toHaveLength(1)

  const worker = startWorker(db)
  await worker.idle()
  expect(receiver.requests).toHaveLength(0)
  await db.setClock('16 seconds')
  await worker.idle()

  expect(receiver.requests).toHaveLength(1)
  expect(await readDeliveries(db)).toMatchObject([{ state: 'delivered' }])
})

it('is refused what it stores after its lease, and says so', async () => {
  const db = await openTestDatabase()
  const arrived = Promise.withResolvers<() => void>()
  const receiver = await startReceiver((_, response) => {
    if (receiver.requests.length === 1) arrived.resolve(() => response.end())
    else response.end()
  })
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { url: receiver.origin })])
  const slow = startWorker(db)
  const answer = await arrived.promise
  await db.setClock('16 seconds')
  const quick = startWorker(db)
  await quick.idle()
  answer()
  await slow.idle()

  expect(quick.attempted).toMatchObject([{ stored: 'stored', attempt: 1 }])
  expect(slow.attempted).toMatchObject([{ stored: 'stale' }])
  expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect(await readAttempts(db)).toHaveLength(1)
})

it('will not start with leases that a request could outlive', async () => {
  const db = await openTestDatabase()
  expect(() => startWorker(db, { deadlineMs: 10_000, leaseMs: 11_000 })).toThrow(
    'a lease must outlive the request it is for',
  )
})

it('waits for running requests when it is closed, and claims no more', async () => {
  const db = await openTestDatabase()
  const arrived = Promise.withResolvers<() => void>()
  const receiver = await startReceiver((_, response) => arrived.resolve(() => response.end()))
  const callUuids = await insertCalls(db, 2)
  await queue(
    db,
    callUuids.map((callUuid) => aDelivery(callUuid, { url: receiver.origin })),
  )
  const worker = startWorker(db, { perHostMax: 1 })
  const answer = await arrived.promise
  const closed = worker.close()
  worker.wake()
  answer()
  await closed

  expect(receiver.requests).toHaveLength(1)
  expect(await readLanes(db)).toMatchObject([{ isLeased: false, attempt: 0 }])
  await waitFor(() => receiver.openCount() === 0, { what: 'the connections to be closed' })
})

it('gives back what still runs at the end of its patience', async () => {
  const db = await openTestDatabase()
  const hanging = await startRawReceiver((socket) => socket.resume())
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { url: hanging.origin })])
  const worker = startWorker(db, { drainTimeoutMs: 20 })
  await waitFor(() => hanging.openCount() === 1, { what: 'the request' })

  await worker.close()

  expect(await readLanes(db)).toMatchObject([{ isLeased: false, pending: 1, attempt: 0 }])
  expect(await readAttempts(db)).toEqual([])
  expect(worker.attempted).toEqual([])
  await waitFor(() => hanging.openCount() === 0, { what: 'the connection to be closed' })
})

it.each([
  ['another host', false, []],
  ['the same host', true, ['delivery.host_paused']],
])(
  'takes a redirect to %s that does not answer for what it is (B14)',
  async (_, isSame, events) => {
    const db = await openTestDatabase()
    const dead = await startRawReceiver((socket) => socket.destroy())
    const tracker = await startReceiver(({ path }, response) => {
      const location = isSame ? '/dead' : dead.origin
      if (path === '/dead') response.destroy()
      else response.writeHead(302, { location }).end()
    })
    const callUuids = await insertCalls(db, 3)
    await queue(
      db,
      callUuids.map((callUuid) => aDelivery(callUuid, { url: `${tracker.origin}/a` })),
    )
    const worker = startWorker(db)
    await worker.idle()

    expect(worker.attempted).toHaveLength(3)
    const paused = worker.lines.map(({ event }) => event).filter((event) => /host_/.test(event))
    expect(paused).toEqual(events)
  },
)

it('loses nothing while the database is away, and says so once', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver()
  let isAway = false
  const away = Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })
  const flaky: Database = {
    ...db,
    query: (...args) => (isAway ? Promise.reject(away) : db.query(...args)),
    transaction: (work) => (isAway ? Promise.reject(away) : db.transaction(work)),
  }
  const callUuids = await insertCalls(db, 3)
  const worker = startWorker(flaky, { pollMs: 20 })
  await worker.idle()
  await queue(
    db,
    callUuids.map((callUuid) => aDelivery(callUuid, { url: receiver.origin })),
  )
  await waitFor(() => receiver.requests.length > 0, { what: 'the first request' })
  isAway = true
  await waitFor(() => worker.lines.length > 0, { what: 'the outage to be noticed' })
  await waitFor(() => worker.lines.some(({ event }) => event === 'delivery.database_away'), {
    what: 'the outage to be logged',
  })
  isAway = false
  await worker.idle()

  expect(await readDeliveries(db)).toMatchObject(callUuids.map(() => ({ state: 'delivered' })))
  expect(receiver.requests).toHaveLength(3)
  const events = worker.lines.map(({ event }) => event)
  // A transaction that was under way may still succeed, which is the end of one outage.
  const said = events.filter((event) => event.startsWith('delivery.database_')).join(' ')
  expect(said).toMatch(/^(?:delivery\.database_away delivery\.database_back ?)+$/)
})

it('sends each delivery once with two workers on one database', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver()
  const callUuids = await insertCalls(db, 200)
  await queue(
    db,
    callUuids.map((callUuid) => aDelivery(callUuid, { url: receiver.origin })),
  )
  const workers = [startWorker(db), startWorker(db)]
  await waitFor(
    async () => {
      await Promise.all(workers.map((worker) => worker.idle()))
      return (await readLanes(db)).length === 0
    },
    { what: 'all deliveries', deadlineMs: 15_000 },
  )

  const ids = receiver.requests.map(({ headers }) => headers['webhook-id'])
  expect(ids).toHaveLength(200)
  expect(new Set(ids).size).toBe(200)
})
