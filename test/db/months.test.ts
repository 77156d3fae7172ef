import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { exportLedger, openExport } from '../../src/cli/verify-export.ts'
import { ledgerOf } from '../../src/cli/verify.ts'
import { listAnchors } from '../../src/db/ledger-anchors.ts'
import { dropMonth } from '../../src/db/months.ts'
import type { Database } from '../../src/db/queryable.ts'
import { anchorLedger } from '../../src/flow/anchor-ledger.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import type { FlowDeps } from '../../src/flow/flow-deps.ts'
import { verifyLedger } from '../../src/flow/verify-ledger.ts'
import { aCampaignDocument } from '../support/configuration.ts'
import { openTestDatabase } from '../support/database.ts'
import { aCampaign, anEndedCall, flowOn, post, silent } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

/** A database in which the month of its calls is over, and that month. */
async function openMonth(rules = aCampaign({ trackingUrls: [] })) {
  const database = await openTestDatabase()
  await database.query(`select ensure_partitions(now(), now())`)
  const deps = await flowOn(database, rules)
  const { rows } = await database.query<{ month: string }>(
    `select to_char(now() at time zone 'UTC', 'YYYY-MM') "month"`,
  )
  return { database, deps, month: rows[0]?.month ?? '' }
}

const drop = (database: Database, month: string) => dropMonth(database, month, async () => {})

async function settled(deps: FlowDeps, calls: number): Promise<void> {
  for (let call = 0; call < calls; call++) await post(deps, await anEndedCall(deps), 'sale=true')
}

const anchored = (database: Database, anchors: number) => {
  const round = anchorLedger({ database, log: silent })
  return waitFor(
    async () => {
      await round()
      return (await listAnchors(database)).length === anchors
    },
    { what: `anchor ${anchors}`, deadlineMs: 20_000 },
  )
}

const sourceOf = (database: Database) => ({
  ...ledgerOf(database),
  campaignRules: async () => aCampaign({ trackingUrls: [] }),
})

it('drops a month from all tables, and the ledger is right before and after it', async () => {
  const { database, deps, month } = await openMonth()
  await settled(deps, 3)
  await anchored(database, 1)
  // One entry that is not anchored yet.
  await settled(deps, 1)
  await database.setClock('70 days')
  expect(await drop(database, month)).toEqual({ kind: 'dropped', calls: 4, entries: 4 })
  const { rows } = await database.query(
    `select relname from pg_class where relkind = 'r' and relname like '%' || $1`,
    [month.replace('-', '_')],
  )
  expect(rows).toEqual([])

  await settled(deps, 2)
  await anchored(database, 2)
  expect(await verifyLedger(sourceOf(database))).toMatchObject({
    kind: 'right',
    entries: 2,
    anchors: 2,
    remains: 4,
  })
  await expectRightElsewhere(database)
})

async function expectRightElsewhere(database: Database): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bridgeback-months-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { numbers: _, ...definition } = aCampaignDocument({})
  await database.query('alter table campaign_versions disable trigger append_only')
  await database.query('update campaign_versions set definition = $1', [JSON.stringify(definition)])
  await exportLedger(database, join(folder, 'ledger.jsonl'))
  const campaignRules = async () => aCampaign({ trackingUrls: [] })
  const source = { ...(await openExport(join(folder, 'ledger.jsonl'))), campaignRules }
  expect(await verifyLedger(source)).toMatchObject({ kind: 'right', anchors: 2, remains: 4 })
}

it('notices a change of what remains of a dropped month, as of any entry', async () => {
  const { database, deps, month } = await openMonth()
  await settled(deps, 2)
  await anchored(database, 1)
  await database.setClock('70 days')
  await drop(database, month)
  await expect(database.query('delete from ledger_remains')).rejects.toThrow(/append-only/)
  await database.query('alter table ledger_remains disable trigger all')
  await database.query(
    'delete from ledger_remains where position = (select min(position) from ledger_remains)',
  )
  expect(await verifyLedger(sourceOf(database))).toEqual({
    kind: 'wrong',
    place: 'anchor 1',
    problem: 'covers 2 entries, and 1 are there',
  })
})

it('is missed by verify, when it was dropped by hand without its part of the ledger', async () => {
  const { database, deps, month } = await openMonth()
  const callUuid = await anEndedCall(deps)
  await database.setClock('70 days')
  await expirePostbacks(deps)
  const suffix = month.replace('-', '_')
  for (const table of ['attempts', 'deliveries', 'postbacks', 'legs', 'calls']) {
    await database.query(`drop table ${table}_${suffix}`)
  }
  expect(await verifyLedger(sourceOf(database))).toEqual({
    kind: 'wrong',
    place: `call ${callUuid}`,
    problem: 'has entries and is not there',
  })
})

it('takes along the deliveries of the month that were given up, and deadlines that are left over', async () => {
  const { database, deps, month } = await openMonth(aCampaign())
  await settled(deps, 1)
  await database.query(`update deliveries set state = 'failed', finished_at = app_now()`)
  await database.query('delete from lanes')
  await database.query(
    `insert into deadlines select call_uuid, app_now(), campaign_id, campaign_version from calls`,
  )
  await database.setClock('70 days')
  expect(await drop(database, month)).toMatchObject({ kind: 'dropped' })
  const { rows } = await database.query(
    `select (select count(*) from failed_deliveries) failed, (select count(*) from deadlines) deadlines`,
  )
  expect(rows).toEqual([{ failed: 0, deadlines: 0 }])
})

it('refuses while a call waits or deliveries are queued, and drops nothing', async () => {
  const { database, deps, month } = await openMonth(aCampaign())
  await anEndedCall(deps)
  await database.setClock('70 days')
  expect(await drop(database, month)).toEqual({
    kind: 'refused',
    why: `1 calls of ${month} are up or wait for a postback: drop it when they are decided.`,
  })
  await expirePostbacks(deps)
  expect(await drop(database, month)).toEqual({
    kind: 'refused',
    why: `Deliveries of ${month} are queued: drop it when they have been sent or given up.`,
  })
  const { rows } = await database.query(
    `select (select count(*) from calls) calls, (select count(*) from settlements) entries,
            (select count(*) from ledger_remains) remains`,
  )
  expect(rows).toEqual([{ calls: 1, entries: 1, remains: 0 }])
})

it.each([
  ['2019-01', 'There is nothing of 2019-01: it was dropped, or never was.'],
  ['2019-1', 'A month is written as in 2026-01, and not as in 2019-1.'],
  ['default', 'A month is written as in 2026-01, and not as in default.'],
])('refuses %s in one sentence', async (month, why) => {
  const { database } = await openMonth()
  expect(await drop(database, month)).toEqual({ kind: 'refused', why })
})

it('refuses a month that is not over', async () => {
  const { database, month } = await openMonth()
  expect(await drop(database, month)).toEqual({
    kind: 'refused',
    why: `${month} is not over: drop a month that has ended more than a day ago.`,
  })
})

it('gives up when somebody is at work on the tables for long, who then goes on', async () => {
  const { database, deps, month } = await openMonth()
  await settled(deps, 1)
  await database.setClock('70 days')
  await database.transaction(async (db) => {
    await db.query('update calls set sub_id = $1', ['a'])
    expect(await drop(database, month)).toEqual({
      kind: 'refused',
      why: `The tables were in use for too long to drop ${month}: try again when less is going on.`,
    })
  })
  expect(await drop(database, month)).toMatchObject({ kind: 'dropped' })
})
