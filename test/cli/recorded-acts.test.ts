import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { applyFile } from '../../src/cli/apply.ts'
import { dropMonthOf } from '../../src/cli/drop-month.ts'
import { replayCalls } from '../../src/cli/replay.ts'
import { listActs } from '../../src/db/audit.ts'
import { aConfigurationDocument } from '../support/configuration.ts'
import { openTestDatabase } from '../support/database.ts'

async function openCommandLine() {
  const database = await openTestDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'bridgeback-acts-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'configuration.json')
  writeFileSync(file, JSON.stringify(aConfigurationDocument()))
  const { host, port, user, password = '', database: name } = database.connection
  const config = {
    databaseUrl: `postgresql://${user}:${password}@localhost/${name}?host=${encodeURIComponent(host)}&port=${port}`,
    dataDir: folder,
    allowPrivateTargets: [],
  }
  return { database, config, file }
}

const byMe = { by: 'cli', who: userInfo().username, keyId: null, source: null }

it('what is applied on the command line is on record with the user of the machine', async () => {
  const { database, config, file } = await openCommandLine()
  await applyFile(config, { file, dryRun: true })
  await applyFile(config, { file, dryRun: false })
  await applyFile(config, { file, dryRun: false })
  expect(await listActs(database, {}, 10)).toMatchObject([
    { ...byMe, what: 'configuration.applied', details: { changes: { length: 3 } } },
  ])
})

it('a replay is on record once it is confirmed', async () => {
  const { database, config, file } = await openCommandLine()
  await applyFile(config, { file, dryRun: false })
  const wanted = { campaign: 'solar', since: '2026-03-01', until: '2026-04-01', why: 'wrong share' }
  await replayCalls(config, wanted)
  await replayCalls(config, { ...wanted, confirm: true })
  const { rows } = await database.query<{ id: string }>('select replay_id id from replays')
  expect(await listActs(database, { what: 'calls.replayed' }, 10)).toMatchObject([
    {
      ...byMe,
      subject: 'solar',
      details: {
        replay_id: rows[0]?.id,
        version: 1,
        since: '2026-03-01T00:00:00.000Z',
        until: '2026-04-01T00:00:00.000Z',
        why: 'wrong share',
      },
    },
  ])
})

it('a month that is dropped is on record, and one that is refused is not', async () => {
  const { database, config } = await openCommandLine()
  await database.query('select ensure_partitions(now(), now())')
  const { rows } = await database.query<{ month: string }>(
    `select to_char(now() at time zone 'UTC', 'YYYY-MM') "month"`,
  )
  const month = rows[0]?.month ?? ''
  await expect(dropMonthOf(config, month)).rejects.toThrow(`${month} is not over`)
  await database.setClock('70 days')
  expect(await dropMonthOf(config, month)).toBe(
    `0 calls of ${month} were dropped; of their 0 entries in the ledger the hashes remain.`,
  )
  expect(await listActs(database, {}, 10)).toMatchObject([
    { ...byMe, what: 'month.dropped', subject: month, details: { calls: 0, entries: 0 } },
  ])
})
