import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/pool.ts'
import type { Database } from '../../src/db/queryable.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

/** A database in which no migration has ever run. */
async function openEmptyDatabase(): Promise<TestDatabase> {
  const database = await openTestDatabase()
  await database.query('drop schema public cascade')
  await database.query('create schema public')
  return database
}

async function writeFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

async function tablesOf(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select table_name as name from information_schema.tables
      where table_schema = 'public' and table_name <> 'migrations' order by 1`,
  )
  return rows.map(({ name }) => name)
}

const ONE = { '000001.sql': 'create table one (id int); create table uno (id int);' }
const TWO = { ...ONE, '000002-two.sql': 'create table two (id int)', 'README.md': 'not SQL' }

describe('migrate', () => {
  it('runs what the database has not seen, in order, and then nothing', async () => {
    const database = await openEmptyDatabase()
    const one = await writeFolder(ONE)
    const two = await writeFolder(TWO)
    expect(await migrate(database, { folder: one })).toEqual({ applied: ['000001.sql'] })
    expect(await migrate(database, { folder: two })).toEqual({ applied: ['000002-two.sql'] })
    expect(await migrate(database, { folder: two })).toEqual({ applied: [] })
    expect(await tablesOf(database)).toEqual(['one', 'two', 'uno'])
  })

  it('remembers name, checksum and time of each', async () => {
    const database = await openEmptyDatabase()
    await migrate(database, { folder: await writeFolder({ '000001.sql': 'select 1' }) })
    const { rows } = await database.query(
      'select name, sha256, applied_at <= now() as "isPast" from migrations',
    )
    // printf 'select 1' | sha256sum
    const sha256 = '822ae07d4783158bc1912bb623e5107cc9002d519e1143a9c200ed6ee18b6d0f'
    expect(rows).toEqual([{ name: '000001.sql', sha256, isPast: true }])
  })

  it('has brought the template up to this build', async () => {
    const database = await openTestDatabase()
    expect(await migrate(database)).toEqual({ applied: [] })
  })

  it('applies each once when started four times at once', async () => {
    const database = await openEmptyDatabase()
    const folder = await writeFolder(TWO)
    const starts = Array.from({ length: 4 }, () => {
      const start = openDatabase({ connection: database.connection })
      return migrate(start, { folder }).finally(() => void start.close())
    })
    const applied = (await Promise.all(starts)).flatMap((result) => result.applied)
    expect(applied.toSorted()).toEqual(['000001.sql', '000002-two.sql'])
  })

  it('leaves nothing of a migration that fails half way', async () => {
    const database = await openEmptyDatabase()
    const folder = await writeFolder({
      ...ONE,
      '000002.sql': 'create table two (id int); select 1/0;',
    })
    await expect(migrate(database, { folder })).rejects.toThrow('division by zero')
    expect(await tablesOf(database)).toEqual(['one', 'uno'])
  })

  it('leaves nothing of a migration whose process is killed half way, and the next start goes on (F49)', async () => {
    const database = await openEmptyDatabase()
    const slow = `create table two (id int); select pg_sleep(60); create table three (id int);`
    await runAndKill(database, await writeFolder({ ...ONE, '000002.sql': slow }))
    expect(await tablesOf(database)).toEqual(['one', 'uno'])

    const repaired = slow.replace('60', '0')
    const folder = await writeFolder({ ...ONE, '000002.sql': repaired })
    expect(await migrate(database, { folder })).toEqual({ applied: ['000002.sql'] })
    expect(await tablesOf(database)).toEqual(['one', 'three', 'two', 'uno'])
  })

  it('refuses a database that a newer version has migrated', async () => {
    const database = await openEmptyDatabase()
    await migrate(database, { folder: await writeFolder(TWO) })
    await expect(migrate(database, { folder: await writeFolder(ONE) })).rejects.toMatchObject({
      code: 'database_unsupported',
      message:
        'The database has migration 000002-two.sql, which this version does not know: run the newer version that made it.',
    })
  })

  it('refuses a migration that was changed after it had been applied', async () => {
    const database = await openEmptyDatabase()
    await migrate(database, { folder: await writeFolder(ONE) })
    const changed = await writeFolder({ '000001.sql': 'create table one (id bigint)' })
    await expect(migrate(database, { folder: changed })).rejects.toMatchObject({
      code: 'database_unsupported',
      message:
        'Migration 000001.sql was changed after it had been applied: restore the file as it was released.',
    })
  })

  it('takes a file with the line ends of Windows for the same', async () => {
    const database = await openEmptyDatabase()
    await migrate(database, { folder: await writeFolder({ '000001.sql': 'select 1\n;\n' }) })
    const windows = await writeFolder({ '000001.sql': 'select 1\r\n;\r\n' })
    expect(await migrate(database, { folder: windows })).toEqual({ applied: [] })
  })

  it.each([
    ['where nobody listens', { host: '127.0.0.1', port: 1 }, 'ECONNREFUSED'],
    ['for a database that does not exist', { database: 'missing' }, 'does not exist'],
  ])('says what to do %s', async (_, wrong, why) => {
    const { connection } = await openTestDatabase()
    const away = openDatabase({ connection: { ...connection, ...wrong } })
    onTestFinished(() => away.close())
    const refused = migrate(away)
    await expect(refused).rejects.toMatchObject({ code: 'database_unreachable' })
    await expect(refused).rejects.toThrow(why)
    await expect(refused).rejects.toThrow('start it, or correct DATABASE_URL.')
  })

  it('refuses PostgreSQL older than 15', async () => {
    const old: Database = {
      query: () =>
        Promise.resolve({ rows: [{ version: '14.9', number: 140_009 } as never], rowCount: 1 }),
      transaction: () => Promise.reject(new Error('must not be asked')),
      close: () => Promise.resolve(),
    }
    await expect(migrate(old)).rejects.toMatchObject({
      code: 'database_unsupported',
      message: 'PostgreSQL 14.9 is too old: set DATABASE_URL to PostgreSQL 15 or newer.',
    })
  })
})

/** Migrates in a process of its own, and kills that once it sleeps in the middle. */
async function runAndKill(database: TestDatabase, folder: string): Promise<void> {
  const script = `
    import { migrate } from '${new URL('../../src/db/migrate.ts', import.meta.url).href}'
    import { openDatabase } from '${new URL('../../src/db/pool.ts', import.meta.url).href}'
    const [connection, folder] = process.argv.slice(1).map((text) => JSON.parse(text))
    await migrate(openDatabase({ connection, applicationName: 'killed' }), { folder })`
  const args = [JSON.stringify(database.connection), JSON.stringify(folder)]
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...args], {
    stdio: 'inherit',
  })
  const backends = async (state: string) => {
    const { rows } = await database.query<{ count: number }>(
      `select count(*) as count from pg_stat_activity
        where application_name = 'killed' and datname = current_database() and ${state}`,
    )
    return rows[0]?.count ?? 0
  }
  const what = 'the migration to reach its middle'
  await waitFor(async () => (await backends(`wait_event = 'PgSleep'`)) > 0, { what })
  child.kill('SIGKILL')
  await waitFor(async () => (await backends('true')) === 0, { what: 'its backend to end' })
}
