import { expect, it } from 'vitest'
import { finish } from '../../src/db/finished-attempts.ts'
import type { Database } from '../../src/db/queryable.ts'
import { attempted, claim } from '../delivery/support/lanes.ts'
import {
  aDelivery,
  insertCalls,
  queue,
  readDeliveries,
  readLanes,
} from '../delivery/support/outbox.ts'
import { openTestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

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
  const finishing = db.transaction(async (tx) => {
    await finish({ ...db, query: tx.query }, [attempted(first)])
    await committed.promise
  })
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

/** What the other connections of this database are doing. */
async function blockers(db: Database): Promise<{ idleInTransaction: number; waiting: number }> {
  const { rows } = await db.query<{ idleInTransaction: number; waiting: number }>(
    `select count(*) filter (where state = 'idle in transaction')::int "idleInTransaction",
            count(*) filter (where wait_event_type = 'Lock')::int "waiting"
       from pg_stat_activity where datname = current_database()`,
  )
  return rows[0] ?? { idleInTransaction: 0, waiting: 0 }
}
