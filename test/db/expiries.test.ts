import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ledgerOf } from '../../src/cli/verify.ts'
import { findDueVersions, lockExpired, settleExpired } from '../../src/db/expiries.ts'
import { migrate } from '../../src/db/migrate.ts'
import type { Database, Queryable } from '../../src/db/queryable.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import { verifyLedger } from '../../src/flow/verify-ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import { aCampaign, anEndedCall, everyTrackingUrl, flowOn, post } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

const EXPIRED = `select kind, conversion, reason, campaign_version, group_id, conversion_name, basis,
  revenue, payout, payout_clamped, postback_id, postback_value, connected_ms, late, duplicate, steps,
  publisher_id, buyer_id, settle_at - ended_at as waited, decided_at >= settle_at as in_time
    from settlements order by call_uuid`
const STANDING = `select conversion, conversion_group_id, revision, reason, conversion_name, basis, revenue,
  payout, postback_value, late, duplicate, settled_at is not null as settled from calls order by call_uuid`

/** What both ways leave behind: some calls that nobody posts for, and one with tags. */
async function expiredUnder(rules: ReturnType<typeof aCampaign>) {
  const database = await openTestDatabase()
  const deps = await flowOn(database, rules)
  for (const connectedMs of [1_000, 60_000, 3_600_000]) await anEndedCall(deps, { connectedMs })
  await post(deps, await anEndedCall(deps), 'stage="quoted"\\n&revenue=0')
  await database.setClock('601 seconds')
  const { settled } = await expirePostbacks(deps)
  const source = { ...ledgerOf(database), campaignRules: async () => rules }
  return {
    settled,
    entries: (await database.query(EXPIRED)).rows,
    calls: (await database.query(STANDING)).rows,
    queued: (await database.query('select from deliveries')).rows.length,
    verified: await verifyLedger(source),
  }
}

it('settles in one statement what the decision in the program settles, hash for hash (B10)', async () => {
  const urls = everyTrackingUrl().filter(({ trigger }) => trigger === 'not_converted')
  const silently = await expiredUnder(aCampaign({ trackingUrls: [] }))
  const loudly = await expiredUnder(aCampaign({ trackingUrls: urls }))
  expect(silently).toMatchObject({ settled: 4, queued: 0, verified: { kind: 'right', entries: 4 } })
  expect(loudly).toMatchObject({ settled: 4, queued: 4, verified: { kind: 'right', entries: 4 } })
  expect(silently.entries).toEqual(loudly.entries)
  expect(silently.calls).toEqual(loudly.calls)
})

it('settles each call once, with four processes at it', async () => {
  const database = await openTestDatabase()
  const deps = await flowOn(database, aCampaign({ trackingUrls: [] }))
  await Promise.all(Array.from({ length: 40 }, () => anEndedCall(deps)))
  await database.setClock('601 seconds')
  const rounds = await Promise.all(Array.from({ length: 4 }, () => expirePostbacks(deps)))
  expect(rounds.reduce((sum, { settled }) => sum + settled, 0)).toBe(40)
  const { rows } = await database.query(
    `select count(*) entries, count(distinct call_uuid) calls from settlements`,
  )
  expect(rows).toEqual([{ entries: 40, calls: 40 }])
})

it('settles silent and other campaigns that are due at the same time, each in its way', async () => {
  const database = await openTestDatabase()
  const silent = aCampaign({ trackingUrls: [] })
  const deps = await flowOn(database, aCampaign())
  await database.query(`insert into campaign_versions values ('solar', 2, '{}')`)
  for (let call = 0; call < 6; call++) {
    const callUuid = await anEndedCall(deps)
    const version = 1 + (call % 2)
    await database.query('update calls set campaign_version = $2 where call_uuid = $1', [
      callUuid,
      version,
    ])
  }
  await database.setClock('601 seconds')
  const both = {
    ...deps,
    campaignRules: async (_: string, version: number) => (version === 2 ? silent : aCampaign()),
  }
  expect(await expirePostbacks(both)).toEqual({ settled: 6, isFull: false })
  const { rows } = await database.query(
    `select campaign_version, count(*) filter (where trigger = 'not_converted') announced
       from settlements left join deliveries using (call_uuid) group by 1 order by 1`,
  )
  expect(rows).toEqual([
    { campaign_version: 1, announced: 3 },
    { campaign_version: 2, announced: 0 },
  ])
})

it('passes over a call that somebody holds, settles the others, and that one afterwards', async () => {
  const database = await openTestDatabase()
  const deps = await flowOn(database, aCampaign({ trackingUrls: [] }))
  const [held] = await Promise.all([anEndedCall(deps), anEndedCall(deps), anEndedCall(deps)])
  await database.setClock('601 seconds')
  await database.transaction(async (db) => {
    await db.query('select from calls where call_uuid = $1 for no key update', [held])
    expect(await expirePostbacks(deps)).toMatchObject({ settled: 2 })
  })
  expect(await expirePostbacks(deps)).toMatchObject({ settled: 1 })
  expect(await waiting(database)).toEqual([])
})

it('waits for no call that somebody holds, while it holds others (F12)', async () => {
  const database = await openTestDatabase()
  await flowOn(database)
  await insertDue(database, 3)
  const { rows } = await database.query<{ callUuid: string }>(
    'select call_uuid "callUuid" from calls order by call_uuid desc limit 1',
  )
  const settle = () => database.transaction((db) => settleExpired(db, SOLAR))
  await database.transaction(async (db) => {
    await db.query('select from calls where call_uuid = $1 for no key update', [rows[0]?.callUuid])
    expect((await settle()).expired).toHaveLength(2)
  })
  expect((await settle()).expired).toEqual([{ ...rows[0], campaignId: 'solar' }])
})

it.each([
  ['nobody is told of', []],
  ['somebody is told of', everyTrackingUrl()],
])('goes by the deadline that a call has now, which %s, however it was moved', async (_, urls) => {
  const database = await openTestDatabase()
  const deps = await flowOn(database, aCampaign({ trackingUrls: urls }))
  const callUuid = await anEndedCall(deps)
  await database.query(`update calls set settle_at = settle_at + interval '1 hour'`)
  await database.setClock('601 seconds')
  expect(await expirePostbacks(deps)).toMatchObject({ settled: 0 })
  expect(await waiting(database)).toEqual([{ callUuid }])
  await database.query(`update calls set settle_at = settle_at - interval '1 minute'`)
  await database.setClock('2 hours')
  expect(await expirePostbacks(deps)).toEqual({ settled: 1, isFull: false })
  expect(await waiting(database)).toEqual([])
})

it('settles other campaigns although thousands of deadlines are left over', async () => {
  const database = await openTestDatabase()
  const deps = await flowOn(database)
  await database.query(
    `insert into deadlines
     select gen_random_uuid(), app_now() - interval '1 day', 'solar', 1 from generate_series(1, 2100)`,
  )
  await database.query(`insert into campaign_versions values ('solar', 2, '{}')`)
  await insertDue(database, 5, 2)
  await expirePostbacks(deps)
  expect(await expirePostbacks(deps)).toMatchObject({ settled: 5 })
  expect(await waiting(database)).toEqual([])
})

it('goes on at once with thousands that are due, one left over and one that somebody holds among them', async () => {
  const database = await openTestDatabase()
  const deps = await flowOn(database, aCampaign({ trackingUrls: [] }))
  await insertDue(database, 4_500)
  await database.query(
    `insert into deadlines select gen_random_uuid(), app_now() - interval '1 day', 'solar', 1`,
  )
  await database.transaction(async (db) => {
    await db.query('select from calls order by call_uuid limit 1 for no key update')
    const { settled, isFull } = await expirePostbacks(deps)
    expect(settled).toBeGreaterThan(3_900)
    expect(isFull).toBe(true)
  })
})

it.each([
  ['posted back', 'sale=true', 0],
  ['only tagged', 'stage="quoted"', 1],
])('keeps the deadline of a call until it is decided: %s', async (_, text, left) => {
  const database = await openTestDatabase()
  const deps = await flowOn(database, aCampaign({ trackingUrls: [] }))
  const callUuid = await anEndedCall(deps)
  expect(await waiting(database)).toEqual([{ callUuid }])
  await post(deps, callUuid, text)
  expect(await waiting(database)).toHaveLength(left)
})

it('settles calls that were waiting before there were deadlines, or came while these were made', async () => {
  const database = await openTestDatabase()
  await database.query('drop schema public cascade; create schema public')
  await migrate(database, { folder: await migrationsBefore('000080') })
  const deps = await flowOn(database, aCampaign({ trackingUrls: [] }))
  await insertDue(database, 3)
  const migrated = await database.transaction(async (db) => {
    await insertDue(db, 2)
    const ended = migrate(database)
    await waitFor(() => isLockWaitedFor(database), {
      what: 'the migration to wait',
      deadlineMs: 20_000,
    })
    return { ended }
  })
  await migrated.ended
  expect(await waiting(database)).toHaveLength(5)
  expect(await expirePostbacks(deps)).toMatchObject({ settled: 5 })
})

async function isLockWaitedFor(db: Queryable): Promise<boolean> {
  const { rows } = await db.query(
    `select from pg_locks where relation = 'calls'::regclass and not granted`,
  )
  return rows.length > 0
}

async function migrationsBefore(number: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const own = fileURLToPath(new URL('../../src/db/migrations/', import.meta.url))
  await cp(own, folder, {
    recursive: true,
    filter: (path) => path === own || basename(path) < number,
  })
  return folder
}

const SOLAR = [{ campaignId: 'solar', version: 1 }]

const waiting = async (db: Queryable) =>
  (await db.query('select call_uuid "callUuid" from deadlines')).rows

describe('what is due', () => {
  it.each<[string, (db: Queryable) => Promise<unknown>]>([
    ['is looked at', findDueVersions],
    ['is locked', (db) => lockExpired(db, SOLAR)],
    ['is settled', (db) => settleExpired(db, SOLAR)],
  ])('%s along the index of deadlines, though everything is due', async (_, work) => {
    const database = await openTestDatabase()
    await flowOn(database)
    await insertDue(database, 5_000)
    await database.query('analyze calls, deadlines')
    const plan = await planOf(database, work)
    expect(plan).toContain('Index Scan using deadlines_slot')
    expect(plan).not.toMatch(/Sort Key|Seq Scan/)
  })
})

async function insertDue(db: Queryable, calls: number, version = 1): Promise<void> {
  await db.query(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, dialed_number,
                        sip_call_id, state, started_at, ended_at, conversion, conversion_group_id, settle_at)
     select gen_random_uuid(), gen_random_uuid(), 'solar', $2, 'acme', '+18005550100', 'a@b', 'ended',
            app_now(), app_now(), 'pending', 'sales', app_now() - interval '1 hour'
       from generate_series(1, $1::int)`,
    [calls, version],
  )
}

/** How the named statement of the work is carried out, as the plan's lines. */
async function planOf(
  database: Database,
  work: (db: Queryable) => Promise<unknown>,
): Promise<string> {
  const lines: string[] = []
  await database.transaction(async (db) => {
    const explain: Queryable = {
      async query(statement, values) {
        if (typeof statement === 'string') return db.query(statement, values)
        const text = `explain (costs off) ${statement.text}`
        const answer = await db.query<{ 'QUERY PLAN': string }>(text, statement.values)
        lines.push(...answer.rows.map((row) => row['QUERY PLAN']))
        return { rows: [], rowCount: 0 }
      },
    }
    await work(explain)
  })
  return lines.join('\n')
}
