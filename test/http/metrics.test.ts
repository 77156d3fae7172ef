import { expect, it } from 'vitest'
import { noteProblem } from '../../src/db/delivery-problems.ts'
import { claim } from '../delivery/support/lanes.ts'
import { aDelivery, insertCalls, queue } from '../delivery/support/outbox.ts'
import { openTestDatabase } from '../support/database.ts'
import { anEndedCall, flowOn } from '../support/flow.ts'
import { ADMIN_KEY, openTestServer } from './support/server.ts'

const linesOf = (text: string) => text.split('\n').filter((line) => !line.startsWith('#'))

it('says how much there is to do, and which tracking URLs keep failing', async () => {
  const db = await openTestDatabase()
  const [a = '', b = '', c = ''] = await insertCalls(db, 3)
  await queue(db, [aDelivery(a), aDelivery(a, { occurrence: 1 }), aDelivery(b), aDelivery(c)])
  await db.query(`update lanes set run_at = app_now() + interval '1 hour' where call_uuid = $1`, [
    c,
  ])
  await db.setClock('90 seconds')
  await claim(db, { limit: 1, perHostMax: 1 })
  await noteProblem(db, {
    campaignId: 'solar',
    trackingUrlId: 'ping',
    problem: 'failing',
    failures: 10,
    host: 'partner.example',
    status: 500,
    error: null,
  })
  const readMetrics = () =>
    Promise.resolve([
      { name: 'own', type: 'gauge', help: 'Of the process', samples: [{ value: 7 }] } as const,
    ])

  const { app } = openTestServer({ database: db, readMetrics })
  const answer = await app.inject('/metrics')

  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  const lines = linesOf(answer.body)
  expect(lines).toEqual(
    expect.arrayContaining([
      'own 7',
      'bridgeback_database_up 1',
      'bridgeback_calls{state="ringing"} 3',
      'bridgeback_calls{state="bridged"} 0',
      'bridgeback_decisions_pending 0',
      'bridgeback_deliveries_queued 4',
      'bridgeback_delivery_lanes_due 2',
      'bridgeback_tracking_url_failures{campaign="solar",tracking_url="ping",problem="failing"} 10',
    ]),
  )
  const oldest = lines.find((line) => line.startsWith('bridgeback_delivery_oldest_due_seconds'))
  expect(Number(oldest?.split(' ')[1])).toBeCloseTo(90, -1)
})

it('counts the decisions that wait, and says how late the latest is (B10)', async () => {
  const db = await openTestDatabase()
  const deps = await flowOn(db)
  await anEndedCall(deps)
  await anEndedCall(deps)
  await db.setClock('630 seconds')

  const { app } = openTestServer({ database: db })
  const lines = linesOf((await app.inject('/metrics')).body)

  expect(lines).toContain('bridgeback_decisions_pending 2')
  const late = lines.find((line) => line.startsWith('bridgeback_decisions_late_seconds'))
  expect(Number(late?.split(' ')[1])).toBeCloseTo(30, -1)
})

it('asks the database once for monitors that come together', async () => {
  const db = await openTestDatabase()
  let asked = 0
  const query: typeof db.query = (statement, values) => {
    asked++
    return db.query(statement, values)
  }

  const { app } = openTestServer({ database: { ...db, query } })
  await app.inject('/metrics')
  const once = asked
  await app.inject('/metrics')

  expect(once).toBeGreaterThan(0)
  expect(asked).toBe(once)
})

it('says that the database is away, and what it knows without it', async () => {
  const { app } = openTestServer({
    readMetrics: () => Promise.resolve([{ name: 'own', type: 'gauge', help: '', samples: [] }]),
  })
  const { statusCode, body } = await app.inject('/metrics')
  expect([statusCode, linesOf(body)]).toEqual([200, ['bridgeback_database_up 0', '']])
})

it.each<[who: string, from: string, headers: Record<string, string>, status: number]>([
  ['a monitor on this machine', '127.0.0.1', {}, 200],
  ['a monitor on this machine by IPv6', '::1', {}, 200],
  ['a monitor in a private network', '172.28.5.7', {}, 200],
  ['a stranger', '198.51.100.7', {}, 401],
  ['a stranger by IPv6', '2001:db8::7', {}, 401],
  ['a stranger behind a proxy that is not trusted', '127.0.0.1', { 'x-forwarded-for': 'x' }, 401],
  ['a stranger with the key', '198.51.100.7', { authorization: `Bearer ${ADMIN_KEY}` }, 200],
])('answers %s', async (_, remoteAddress, headers, status) => {
  const { app } = openTestServer()
  const answer = await app.inject({ url: '/metrics', remoteAddress, headers })
  expect(answer.statusCode).toBe(status)
})

it('tells a monitor from a stranger behind a proxy that is trusted', async () => {
  const { app } = openTestServer({ trustProxy: ['127.0.0.1'] })
  const ask = (from: string) =>
    app.inject({ url: '/metrics', headers: { 'x-forwarded-for': from } })
  expect((await ask('10.1.2.3')).statusCode).toBe(200)
  expect((await ask('198.51.100.7')).statusCode).toBe(401)
})
