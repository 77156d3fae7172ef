import { expect, it } from 'vitest'
import {
  CLAIM,
  claimDue,
  type ClaimedDelivery,
  type ClaimRequest,
  finish,
  type FinishedAttempt,
  type NextStep,
  release,
} from '../../src/db/lanes.ts'
import type { Database, Queryable } from '../../src/db/queryable.ts'
import {
  aDelivery,
  insertCalls,
  queue,
  readAttempts,
  readDeliveries,
  readLanes,
} from '../delivery/support/outbox.ts'
import { openTestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

const DONE: NextStep = { kind: 'done', state: 'delivered' }

const claim = (db: Database, overrides: Partial<ClaimRequest> = {}) =>
  claimDue(db, {
    limit: 100,
    perHostMax: 4,
    slots: new Map(),
    afterHost: '',
    leaseMs: 15_000,
    ...overrides,
  })

function attempted(claimed: ClaimedDelivery | undefined, next: NextStep = DONE): FinishedAttempt {
  if (!claimed) throw new Error('nothing was claimed')
  const { callUuid, trackingUrlId, token, occurrence, claimedAt } = claimed
  const done = { status: 200, error: undefined, method: 'HEAD', durationMs: 12.4 }
  return { callUuid, trackingUrlId, token, occurrence, next, startedAt: claimedAt, ...done }
}

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
  })
  const [lane] = await readLanes(db)
  expect(lane).toMatchObject({ isLeased: true, pending: 1 })
  expect(lane?.dueInSeconds).toBeCloseTo(15, 0)
  expect(await claim(db)).toEqual([])
})

it('claims each delivery once, however many workers claim side by side', async () => {
  const db = await openTestDatabase({ max: 10 })
  const callUuids = await insertCalls(db, 200)
  await queue(
    db,
    callUuids.map((callUuid, n) => aDelivery(callUuid, { host: `h${n % 20}.example` })),
  )

  const claims = await Promise.all(
    Array.from({ length: 20 }, () => claim(db, { limit: 10, perHostMax: 10 })),
  )

  const tokens = claims.flat().map(({ callUuid }) => callUuid)
  expect(new Set(tokens).size).toBe(tokens.length)
  const rest = await claim(db, { limit: 1_000, perHostMax: 1_000 })
  expect(tokens.length + rest.length).toBe(200)
})

it('passes over a lane that somebody else has locked, and waits for nobody', async () => {
  const db = await openTestDatabase()
  const [held = '', free = ''] = await insertCalls(db, 2)
  await queue(db, [aDelivery(held), aDelivery(free)])

  const claimed = await db.transaction(async (tx) => {
    await tx.query(`select from lanes where call_uuid = $1 for update`, [held])
    return claim(db)
  })

  expect(claimed.map(({ callUuid }) => callUuid)).toEqual([free])
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

it('loses no delivery that is queued while the last one of its lane is finished', async () => {
  const db = await openTestDatabase()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { occurrence: 1 })])
  const [first] = await claim(db)

  // The enqueue comes first and holds the lane; the finish has read the old count and waits.
  const committed = Promise.withResolvers<void>()
  const enqueue = db.transaction(async (tx) => {
    await queue(tx, [aDelivery(callUuid, { occurrence: 2 })])
    await committed.promise
  })
  await waitFor(async () => (await blockers(db)).idleInTransaction > 0, { what: 'the enqueue' })
  const finishing = finish(db, [attempted(first)])
  await waitFor(async () => (await blockers(db)).waiting > 0, { what: 'the finish to wait' })
  committed.resolve()
  await enqueue

  expect(await finishing).toEqual([{ kind: 'stored', pending: 1 }])
  expect(await claim(db)).toMatchObject([{ occurrence: 2 }])
})

it('loses no delivery that is queued while its empty lane is being deleted', async () => {
  const db = await openTestDatabase()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { occurrence: 1 })])
  const [first] = await claim(db)

  // The finish comes first and has deleted the lane; the enqueue waits for its commit.
  const committed = Promise.withResolvers<void>()
  const finishing = finish(
    {
      ...db,
      transaction: (work) =>
        db.transaction(async (tx) => {
          const result = await work(tx)
          await committed.promise
          return result
        }),
    },
    [attempted(first)],
  )
  await waitFor(async () => (await blockers(db)).idleInTransaction > 0, { what: 'the finish' })
  const enqueue = queue(db, [aDelivery(callUuid, { occurrence: 2 })])
  await waitFor(async () => (await blockers(db)).waiting > 0, { what: 'the enqueue to wait' })
  committed.resolve()
  await Promise.all([finishing, enqueue])

  expect(await readLanes(db)).toMatchObject([{ pending: 1 }])
  expect(await claim(db)).toMatchObject([{ occurrence: 2, attempt: 1 }])
})

it('counts right when lanes are filled and emptied from many connections at once', async () => {
  const db = await openTestDatabase({ max: 12 })
  const callUuids = await insertCalls(db, 5)
  let sent = 0
  const fill = async (from: number) => {
    for (let occurrence = from; occurrence < from + 10; occurrence += 1) {
      await queue(
        db,
        callUuids.map((callUuid) => aDelivery(callUuid, { occurrence })),
      )
    }
  }
  const empty = async () => {
    const results = (await claim(db)).map((claimed) => attempted(claimed))
    sent += results.length
    await finish(db, results)
  }
  const emptyUntil = async (count: number) => {
    await waitFor(async () => (await empty(), sent >= count), {
      what: 'all deliveries to be claimed',
      deadlineMs: 20_000,
    })
  }

  await Promise.all([fill(0), fill(100), fill(200), emptyUntil(150), emptyUntil(150)])

  expect(sent).toBe(150)
  expect(await readLanes(db)).toEqual([])
  expect((await readDeliveries(db)).every(({ state }) => state === 'delivered')).toBe(true)
})

it('claims by index on tables that were never analysed', async () => {
  const db = await openTestDatabase()
  await db.query(`alter table lanes set (autovacuum_enabled = false)`)
  await insertLanes(db, { count: 30_000, hosts: 300 })
  const { rows: analysed } = await db.query(
    `select from pg_stats where tablename in ('lanes', 'deliveries')`,
  )
  expect(analysed).toEqual([])

  // As planned for these values, and as planned once for all values of a prepared statement.
  const values = [256, 'h1', '{"h2":0}', 4, 15_000]
  const literal = await plan(db, `explain ${CLAIM}`, values)
  const generic = await plan(db, `explain (generic_plan) ${CLAIM}`)

  for (const text of [literal, generic]) {
    expect(text).toContain('lanes_due')
    expect(text).not.toMatch(/Seq Scan on lanes|Materialize|Hash/)
  }
})

it('claims from 10,000 hosts without looking at them all', async () => {
  const db = await openTestDatabase()
  await insertLanes(db, { count: 10_000, hosts: 10_000 })

  const text = await plan(db, `explain (analyze, timing off) ${CLAIM}`, [64, 'h5', '{}', 4, 15_000])

  // It stops walking as soon as it has enough: one step a host, not one for each of 10,000.
  const walked = /CTE Scan on ahead[^\n]*actual rows=([\d.]+)/.exec(text)?.[1]
  expect(Number(walked)).toBeLessThanOrEqual(65)
})

/** As many lanes as wanted, due at once, without calls and deliveries. */
async function insertLanes(
  db: Queryable,
  { count, hosts }: { count: number; hosts: number },
): Promise<void> {
  await db.query(
    `insert into lanes (call_uuid, tracking_url_id, host, pending, run_at)
     select gen_random_uuid(), 'ping', 'h' || n % $2::int, 1, app_now() - interval '1 second'
       from generate_series(1, $1::int) n`,
    [count, hosts],
  )
}

async function plan(db: Queryable, text: string, values?: readonly unknown[]): Promise<string> {
  const { rows } = await db.query<{ 'QUERY PLAN': string }>(text, values)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

/** What the other connections of this database are doing. */
async function blockers(db: Database): Promise<{ idleInTransaction: number; waiting: number }> {
  const { rows } = await db.query<{ idleInTransaction: number; waiting: number }>(
    `select count(*) filter (where state = 'idle in transaction')::int "idleInTransaction",
            count(*) filter (where wait_event_type = 'Lock')::int "waiting"
       from pg_stat_activity where datname = current_database()`,
  )
  return rows[0] ?? { idleInTransaction: 0, waiting: 0 }
}
