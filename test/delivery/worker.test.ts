import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
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
import { KEY, startWorker } from './support/worker.ts'

it('sends what is queued as soon as it is woken, with the key put in (B2, B14)', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver()
  const worker = startWorker(db, { now: () => new Date('2026-03-01T12:00:00Z') })
  await worker.idle()
  const [callUuid = ''] = await insertCalls(db, 1)

  await queue(db, [aDelivery(callUuid, { url: `${receiver.origin}/p?key=[call_key]&x=1`, leg: 2 })])
  worker.wake()
  await worker.idle()

  expect(receiver.requests).toMatchObject([
    {
      method: 'HEAD',
      path: `/p?key=${KEY}2${callUuid.slice(0, 4)}&x=1`,
      headers: {
        'webhook-id': `${callUuid.replaceAll('-', '')}_ping_0`,
        'webhook-timestamp': '1772366400',
        'user-agent': expect.stringMatching(/^Bridgeback\/\d+\.\d+\.\d+$/) as string,
      },
    },
  ])
  expect(await readLanes(db)).toEqual([])
  expect(await readDeliveries(db)).toMatchObject([{ state: 'delivered' }])
  expect(await readAttempts(db)).toEqual([
    { occurrence: 0, attempt: 1, method: 'HEAD', status: 200, error: null },
  ])
})

it('signs what it sends where the URL has secrets, the body of a POST included (B14)', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver()
  const worker = startWorker(db, { now: () => new Date('2026-03-01T12:00:00Z') })
  await worker.idle()
  const callUuids = await insertCalls(db, 2)
  const [signed = '', unsigned = ''] = callUuids
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const definition = { tracking_urls: [{ id: 'ping', secrets: [secret] }] }
  await db.query(`insert into campaign_versions values ('solar', 2, $1)`, [
    JSON.stringify(definition),
  ])
  const body = { type: 'bridged', data: { payout: '8.00' } } as const
  await queue(db, [
    aDelivery(signed, { url: receiver.origin, method: 'POST', body }),
    aDelivery(unsigned, { url: receiver.origin, trackingUrlId: 'other' }),
  ])
  worker.wake()
  await worker.idle()

  const [post, head] = receiver.requests.toSorted((a, b) => (a.method > b.method ? -1 : 1))
  const content = `${post?.headers['webhook-id'] as string}.1772366400.${post?.body}`
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const expected = createHmac('sha256', key).update(content).digest('base64')
  expect(post?.headers['webhook-signature']).toBe(`v1,${expected}`)
  expect(post?.body).toContain('8.00')
  expect(head?.headers).not.toHaveProperty('webhook-signature')
})

it('writes one line an attempt, with neither URL nor key in it', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver((_, response) => response.writeHead(503).end())
  const worker = startWorker(db, { contactUrl: 'https://bridge.example' })
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { url: `${receiver.origin}/p?key=[call_key]&from=%2B1` })])
  await worker.idle()

  expect(worker.lines).toEqual([
    {
      event: 'delivery.attempted',
      fields: {
        delivery_id: `${callUuid.replaceAll('-', '')}_ping_0`,
        call_uuid: callUuid,
        tracking_url_id: 'ping',
        trigger: 'bridged',
        host: `127.0.0.1:${receiver.port}`,
        method: 'HEAD',
        attempt: 1,
        outcome: 'failed',
        status: 503,
        error: undefined,
        redirects: 0,
        duration_ms: expect.any(Number) as number,
        next: 'retry',
        retry_in_seconds: 5,
        stored: 'stored',
      },
    },
  ])
  expect(worker.attempted).toEqual([worker.lines[0]?.fields])
  expect(JSON.stringify(worker.lines)).not.toMatch(/from=|\?|k1Secret/)
  expect(receiver.requests[0]?.headers['user-agent']).toMatch(/ \(\+https:\/\/bridge\.example\)$/)
})

it('leaves the place of the key empty where there is no leg', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver()
  const keys = () => {
    throw new Error('must not be asked')
  }
  const worker = startWorker(db, { keys })
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [
    aDelivery(callUuid, { url: `${receiver.origin}/?k=[call_key]`, leg: undefined }),
  ])
  await worker.idle()
  expect(receiver.requests[0]?.path).toBe('/?k=')
})

it('finds by poll what it was not woken for', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver()
  const worker = startWorker(db, { pollMs: 20 })
  await worker.idle()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { url: receiver.origin })])
  await waitFor(() => receiver.requests.length === 1, { what: 'the request' })
})

it('retries on the schedule, keeps what is behind it waiting, and gives up after it (B14)', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver(({ path }, response) =>
    response.writeHead(path === '/1' ? 500 : 200).end(),
  )
  const worker = startWorker(db)
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [
    aDelivery(callUuid, { url: `${receiver.origin}/1`, occurrence: 1 }),
    aDelivery(callUuid, { url: `${receiver.origin}/2`, occurrence: 2 }),
  ])
  let elapsedSeconds = 0
  for (const seconds of [5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400]) {
    await worker.idle()
    elapsedSeconds += seconds + 1
    await db.setClock(`${elapsedSeconds} seconds`)
  }
  await worker.idle()

  expect(receiver.requests.map(({ path }) => path)).toEqual([...Array<string>(11).fill('/1'), '/2'])
  const id = callUuid.replaceAll('-', '')
  expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))).toEqual(
    new Set([`${id}_ping_1`, `${id}_ping_2`]),
  )
  expect(await readDeliveries(db)).toMatchObject([{ state: 'failed' }, { state: 'delivered' }])
  expect(await readAttempts(db)).toHaveLength(12)
  expect(await readLanes(db)).toEqual([])
})

it('stops at once where the receiver says that it is gone (B14)', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver((_, response) => response.writeHead(410).end())
  const worker = startWorker(db)
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { url: receiver.origin })])
  await worker.idle()

  expect(await readDeliveries(db)).toMatchObject([{ state: 'failed', isFinished: true }])
  expect(await readLanes(db)).toEqual([])
})

it('waits as long as the receiver asks, within bounds (B14)', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver((_, response) =>
    response.writeHead(429, { 'retry-after': '120' }).end(),
  )
  const worker = startWorker(db)
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { url: receiver.origin })])
  await worker.idle()

  const [lane] = await readLanes(db)
  expect(lane?.dueInSeconds).toBeGreaterThan(110)
  expect(lane?.dueInSeconds).toBeLessThanOrEqual(120)
})

it('sends each call and URL in order, one at a time, and the rest side by side (B14)', async () => {
  const db = await openTestDatabase()
  const open = new Map<string, number>()
  const broken: string[] = []
  const seen = new Map<string, number[]>()
  const receiver = await startReceiver(({ path }, response) => {
    const [, lane = '', occurrence = ''] = path.split('/')
    if ((open.get(lane) ?? 0) > 0) broken.push(path)
    open.set(lane, 1)
    seen.set(lane, [...(seen.get(lane) ?? []), Number(occurrence)])
    setImmediate(() => {
      open.set(lane, 0)
      response.end()
    })
  })
  const worker = startWorker(db, { perHostMax: 16 })
  const callUuids = await insertCalls(db, 20)
  for (let occurrence = 1; occurrence <= 5; occurrence += 1) {
    await queue(
      db,
      callUuids.map((callUuid) =>
        aDelivery(callUuid, { url: `${receiver.origin}/${callUuid}/${occurrence}`, occurrence }),
      ),
    )
    worker.wake()
  }
  await worker.idle()

  expect(broken).toEqual([])
  expect([...seen.values()]).toEqual(callUuids.map(() => [1, 2, 3, 4, 5]))
})

it('lets no host that hangs hold up the others (B14)', async () => {
  const db = await openTestDatabase()
  const hanging = await startRawReceiver((socket) => socket.resume())
  const fast = await Promise.all(Array.from({ length: 4 }, () => startReceiver()))
  const worker = startWorker(db, { concurrency: 16, perHostMax: 4, drainTimeoutMs: 0 })
  const callUuids = await insertCalls(db, 120)
  const urls = [hanging.origin, hanging.origin, ...fast.map(({ origin }) => origin)]
  await queue(
    db,
    callUuids.map((callUuid, n) => aDelivery(callUuid, { url: `${urls[n % 6]}/` })),
  )
  worker.wake()

  const count = () => fast.reduce((sum, { requests }) => sum + requests.length, 0)
  await waitFor(() => count() === 80, { what: 'all requests to fast hosts' })
  await waitFor(() => worker.attempted.length === 80, { what: 'their results' })
  expect(hanging.openCount()).toBe(4)
})

it('pauses a host that answers nothing, and drains it when it is back (B14)', async () => {
  const db = await openTestDatabase()
  let isDown = true
  const receiver = await startRawReceiver((socket) => {
    if (isDown) socket.resetAndDestroy()
    else socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'))
  })
  let nowMs = 0
  const worker = startWorker(db, { perHostMax: 1, monotonicMs: () => nowMs })
  const callUuids = await insertCalls(db, 10)
  await queue(
    db,
    callUuids.map((callUuid) => aDelivery(callUuid, { url: receiver.origin })),
  )
  await worker.idle()

  const events = () => worker.lines.map(({ event }) => event)
  expect(worker.attempted).toHaveLength(3)
  expect(events().filter((event) => event === 'delivery.host_paused')).toHaveLength(1)
  expect((await readLanes(db)).filter(({ attempt }) => attempt === 0)).toHaveLength(7)

  nowMs = 5_000
  await worker.idle()
  expect(worker.attempted).toHaveLength(4)

  isDown = false
  nowMs = 15_000
  await db.setClock('10 seconds')
  await worker.idle()
  expect(await readLanes(db)).toEqual([])
  expect(worker.attempted).toHaveLength(14)
  expect(events()).toContain('delivery.host_back')
})

it('goes on with a host that was full when the claim began and free when it was back', async () => {
  const db = await openTestDatabase()
  const arrived = Promise.withResolvers<() => void>()
  const receiver = await startReceiver((_, response) => arrived.resolve(() => response.end()))
  const claims: PromiseWithResolvers<void>[] = []
  const held: Database = {
    ...db,
    async query(statement, values) {
      const result = await db.query<never>(statement, values)
      const isClaim = typeof statement === 'object' && statement.name === 'claim-lanes'
      if (!isClaim) return result
      const answered = Promise.withResolvers<void>()
      if (claims.push(answered) === 2) await answered.promise
      return result
    },
  }
  const callUuids = await insertCalls(db, 2)
  await queue(
    db,
    callUuids.map((callUuid) => aDelivery(callUuid, { url: receiver.origin })),
  )
  const worker = startWorker(held, { perHostMax: 1, drainTimeoutMs: 0 })
  const answer = await arrived.promise
  worker.wake()
  await waitFor(() => claims.length === 2, { what: 'the second claim' })
  answer()
  await waitFor(() => worker.attempted.length === 1, { what: 'the first result' })
  claims[1]?.resolve()

  await waitFor(() => receiver.requests.length === 2, { what: 'the second request' })
})
