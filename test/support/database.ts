import { randomBytes } from 'node:crypto'
import { afterAll, inject, onTestFinished, TestRunner } from 'vitest'
import type { EmbeddedPostgres } from '../../src/db/embedded.ts'
import { openDatabase } from '../../src/db/pool.ts'
import type { Database } from '../../src/db/queryable.ts'
import { TEMPLATE } from './global-setup.ts'

/** A database of a test's own, with the schema of this build and nothing in it. */
export interface TestDatabase extends Database {
  /** For more pools, or a service, on the same database. */
  readonly connection: EmbeddedPostgres['connection']
  /** Moves this database's clock, `app_now()`: `'10 minutes'` is later, `'-1 hour'` earlier. */
  readonly setClock: (offset: string) => Promise<void>
}

/**
 * Copies the template. Opened in a test it is dropped at the end of the test, opened at the top of
 * a file or a `describe` at the end of that.
 */
export async function openTestDatabase(options: { max?: number } = {}): Promise<TestDatabase> {
  const server = inject('postgres')
  const name = `test_${randomBytes(6).toString('hex')}`
  await onServer(server, `create database ${name} template ${TEMPLATE}`)

  const connection = { ...server, database: name }
  const database = openDatabase({ connection, max: options.max ?? 10 })
  const drop = async () => {
    await database.close()
    // With force: a test that failed may have left connections behind.
    await onServer(server, `drop database if exists ${name} with (force)`)
  }
  if (TestRunner.getCurrentTest()) onTestFinished(drop)
  else afterAll(drop)

  return { ...database, connection, setClock: (offset) => setClock(database, offset) }
}

async function onServer(
  connection: EmbeddedPostgres['connection'],
  statement: string,
): Promise<void> {
  const server = openDatabase({ connection, max: 1, statementTimeoutMs: 30_000 })
  try {
    await server.query(statement)
  } finally {
    await server.close()
  }
}

async function setClock(database: Database, offset: string): Promise<void> {
  const { rows } = await database.query<{ body: string }>(
    `select format('select now() + %L::interval', $1::text) as body`,
    [offset],
  )
  await database.query(
    `create or replace function app_now() returns timestamptz
       language sql stable as $$ ${rows[0]?.body ?? ''} $$`,
  )
}
