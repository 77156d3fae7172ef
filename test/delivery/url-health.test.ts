import { expect, it } from 'vitest'
import { listProblems } from '../../src/db/delivery-problems.ts'
import { openTestDatabase } from '../support/database.ts'
import { aDelivery, insertCalls, queue } from './support/outbox.ts'
import { startReceiver } from './support/receiver.ts'
import { startWorker } from './support/worker.ts'

const aboutUrls = (lines: readonly { event: string; fields: object }[]) =>
  lines.filter(({ event }) => event.startsWith('delivery.url_'))

it('flags a URL that answers 410, and takes that back when it works again (B14)', async () => {
  const db = await openTestDatabase()
  const status = { now: 410 }
  const receiver = await startReceiver((_, response) => response.writeHead(status.now).end())
  const worker = startWorker(db)
  const [first = '', second = ''] = await insertCalls(db, 2)
  await queue(db, [aDelivery(first, { url: receiver.origin })])
  await worker.idle()

  const host = `127.0.0.1:${receiver.port}`
  const url = { campaign_id: 'solar', tracking_url_id: 'ping', host }
  expect(aboutUrls(worker.lines)).toEqual([
    { event: 'delivery.url_gone', fields: { ...url, failures: 1, status: 410, error: undefined } },
  ])
  expect(await listProblems(db)).toMatchObject([
    { campaignId: 'solar', trackingUrlId: 'ping', problem: 'gone', failures: 1, status: 410 },
  ])

  // Another process knows of it, and that it is over.
  const other = startWorker(db)
  status.now = 200
  await queue(db, [aDelivery(second, { url: receiver.origin })])
  await other.idle()
  expect(aboutUrls(other.lines)).toMatchObject([{ event: 'delivery.url_recovered' }])
  expect(await listProblems(db)).toEqual([])
})

it('takes back within a minute what another process has warned of since (B14)', async () => {
  const db = await openTestDatabase()
  const status = { now: 200 }
  const receiver = await startReceiver((_, response) => response.writeHead(status.now).end())
  let nowMs = 0
  const callUuids = await insertCalls(db, 4)
  const sendOne = async (worker: ReturnType<typeof startWorker>) => {
    await queue(db, [aDelivery(callUuids.pop() ?? '', { url: receiver.origin })])
    await worker.idle()
  }
  const stays = startWorker(db, { monotonicMs: () => nowMs })
  await sendOne(stays)
  const goes = startWorker(db)
  status.now = 410
  await sendOne(goes)
  await goes.close()

  status.now = 200
  nowMs = 59_000
  await sendOne(stays)
  expect(await listProblems(db)).toHaveLength(1)
  nowMs = 60_000
  await sendOne(stays)
  expect(await listProblems(db)).toEqual([])
  expect(aboutUrls(stays.lines)).toMatchObject([{ event: 'delivery.url_recovered' }])
})

it('warns again of a URL whose warning another process has taken back (B14)', async () => {
  const db = await openTestDatabase()
  const status = { now: 500 }
  const receiver = await startReceiver((_, response) => response.writeHead(status.now).end())
  let nowMs = 0
  const callUuids = await insertCalls(db, 22)
  const send = async (worker: ReturnType<typeof startWorker>, count: number) => {
    const batch = callUuids.splice(0, count)
    await queue(
      db,
      batch.map((callUuid) => aDelivery(callUuid, { url: receiver.origin })),
    )
    await worker.idle()
    await db.query('delete from lanes')
  }
  const stays = startWorker(db, { monotonicMs: () => nowMs })
  const said = () => aboutUrls(stays.lines).map(({ event }) => event)
  await send(stays, 10)
  expect(said()).toEqual(['delivery.url_failing'])

  status.now = 200
  await send(startWorker(db), 1)
  expect(await listProblems(db)).toEqual([])

  nowMs = 60_000
  await send(stays, 1)
  expect(said()).toEqual(['delivery.url_failing'])
  status.now = 500
  await send(stays, 10)
  expect(said()).toEqual(['delivery.url_failing', 'delivery.url_failing'])
  expect(await listProblems(db)).toMatchObject([{ problem: 'failing', failures: 10 }])
})

it('warns of a URL when ten attempts in a row have failed, and keeps when that began', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver((_, response) => response.writeHead(500).end())
  const worker = startWorker(db)
  const callUuids = await insertCalls(db, 11)
  await queue(
    db,
    callUuids.slice(0, 9).map((callUuid) => aDelivery(callUuid, { url: receiver.origin })),
  )
  await worker.idle()
  expect([aboutUrls(worker.lines), await listProblems(db)]).toEqual([[], []])

  await queue(db, [aDelivery(callUuids[9] ?? '', { url: receiver.origin })])
  await worker.idle()
  const [problem] = await listProblems(db)
  expect(problem).toMatchObject({ problem: 'failing', failures: 10, status: 500, error: null })
  expect(aboutUrls(worker.lines)).toMatchObject([
    { event: 'delivery.url_failing', fields: { failures: 10, status: 500 } },
  ])
})
