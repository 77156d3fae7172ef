import { expect, it } from 'vitest'
import { FINISH } from '../../src/db/finished-attempts.ts'
import { CLAIM, type ClaimedDelivery } from '../../src/db/lanes.ts'
import { analyzeHotTables, ensurePartitions } from '../../src/db/partitions.ts'
import type { Queryable } from '../../src/db/queryable.ts'
import { claim } from '../delivery/support/lanes.ts'
import { aDelivery, insertCalls, queue } from '../delivery/support/outbox.ts'
import { openTestDatabase } from '../support/database.ts'

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

it('reads the heads of lanes by key on tables that were never analysed', async () => {
  const db = await openTestDatabase()
  await queueMany(db, 2_000)
  for (const text of [
    await plan(db, `explain ${CLAIM}`, [256, '', '{}', 4, 15_000]),
    await plan(db, `explain (generic_plan) ${CLAIM}`),
  ]) {
    expect(text).toMatch(/Index Scan using calls_\w+/)
    expect(text).toMatch(/Index Scan using deliveries_\w+/)
    expect(text).not.toMatch(/Seq Scan|Materialize|Hash/)
  }
})

it('stores results by key, beside a long backlog, with statistics and without', async () => {
  const db = await openTestDatabase()
  await db.query(`alter table lanes set (autovacuum_enabled = false)`)
  await queueMany(db, 2_000)
  await insertLanes(db, { count: 30_000, hosts: 300 })
  const rows = (await claim(db, { perHostMax: 100 })).map((claimed) => resultOf(claimed))
  const values = [JSON.stringify(rows)]

  const plans = [
    await plan(db, `explain ${FINISH}`, values),
    await plan(db, `explain (generic_plan) ${FINISH}`),
  ]
  await db.query('analyze lanes, deliveries')
  plans.push(
    await plan(db, `explain ${FINISH}`, values),
    await plan(db, `explain (generic_plan) ${FINISH}`),
  )

  for (const text of plans) {
    expect(text).toContain('lanes_pkey')
    expect(text).toMatch(/Index Scan using deliveries_\w+/)
    expect(text).not.toMatch(/Seq Scan on (?:lanes|deliveries|attempts)/)
  }
})

it('looks up by key where plans are kept that were made while the tables were empty', async () => {
  const db = await openTestDatabase()
  await ensurePartitions(db)
  await analyzeHotTables(db)
  const [claimed, finished] = await db.transaction((tx) =>
    Promise.all([
      plan(tx, `explain (generic_plan) ${CLAIM}`),
      plan(tx, `explain (generic_plan) ${FINISH}`),
    ]),
  )
  expect(claimed).toContain('Index Scan using calls_default_pkey')
  for (const text of [claimed, finished]) {
    expect(text).not.toMatch(/Seq Scan|Materialize/)
    // Each look-up has its condition: an index can be read from end to end, too.
    expect(text).not.toMatch(
      /Index[^\n]* Scan using (?:calls|deliveries|attempts)[^\n]*\n(?!\s*Index Cond)/,
    )
  }
})

it('gathers statistics on what holds something, and says of nothing that it is empty', async () => {
  const db = await openTestDatabase()
  await ensurePartitions(db)
  await queueMany(db, 100)
  await analyzeHotTables(db)
  const { rows } = await db.query<{ name: string; count: number }>(
    `select regexp_replace(relname, '_\\d.*', '_month') "name", reltuples "count" from pg_class
      where relname ~ '^(lanes|calls_(\\d+_\\d+|default)|deliveries_(\\d+_\\d+|default))$' and reltuples >= 0
      order by 1`,
  )
  expect(rows).toEqual([
    { name: 'calls_month', count: 100 },
    { name: 'deliveries_month', count: 100 },
    { name: 'lanes', count: 100 },
  ])
})

it('claims from 10,000 hosts without looking at them all', async () => {
  const db = await openTestDatabase()
  await insertLanes(db, { count: 10_000, hosts: 10_000 })

  const text = await plan(db, `explain (analyze, timing off) ${CLAIM}`, [64, 'h5', '{}', 4, 15_000])

  // It stops walking as soon as it has enough: one step a host, not one for each of 10,000.
  const walked = /CTE Scan on ahead[^\n]*actual rows=([\d.]+)/.exec(text)?.[1]
  expect(Number(walked)).toBeLessThanOrEqual(65)
})

/** Lanes with their deliveries and calls. */
async function queueMany(db: Queryable, count: number): Promise<void> {
  const callUuids = await insertCalls(db, count)
  await queue(
    db,
    callUuids.map((callUuid) => aDelivery(callUuid)),
  )
}

const resultOf = ({ callUuid, trackingUrlId, token, occurrence, claimedAt }: ClaimedDelivery) => ({
  call_uuid: callUuid,
  tracking_url_id: trackingUrlId,
  token,
  occurrence,
  state: 'delivered',
  delay_seconds: 0,
  started_at: claimedAt,
  method: 'GET',
  status: 204,
  duration_ms: 3,
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
