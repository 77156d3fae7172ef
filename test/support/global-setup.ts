import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/db/embedded.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/pool.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The cluster of this test run, for `openTestDatabase`. */
    readonly postgres: EmbeddedPostgres['connection']
  }
}

/** Migrated once; every test database is a copy of it. */
export const TEMPLATE = 'bridgeback_template'

const PREFIX = 'bridgeback-test-'

/**
 * Starts one cluster for the whole run of the `system` project and removes it at the end. It is in
 * a hurry: nothing it holds has to survive, so it does not wait for the disk.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers()
  const dataDir = await mkdtemp(join(tmpdir(), PREFIX))
  const postgres = await startEmbeddedPostgres({
    dataDir,
    settings: {
      fsync: 'off',
      full_page_writes: 'off',
      // Test files run side by side, each with pools of its own.
      max_connections: '400',
      max_wal_size: '4GB',
    },
  })
  await createTemplate(postgres.connection)
  project.provide('postgres', postgres.connection)
  return async () => {
    await postgres.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function createTemplate(connection: EmbeddedPostgres['connection']): Promise<void> {
  const server = openDatabase({ connection, max: 1 })
  await server.query(`create database ${TEMPLATE}`)
  await server.close()
  const template = openDatabase({ connection: { ...connection, database: TEMPLATE }, max: 1 })
  await migrate(template)
  // A database cannot be copied while somebody is connected to it.
  await template.close()
}

/** Removes the clusters of runs that were killed; their servers have outlived them. */
async function removeLeftovers(): Promise<void> {
  const names = await readdir(tmpdir())
  for (const name of names.filter((name) => name.startsWith(PREFIX))) {
    const dataDir = join(tmpdir(), name)
    const lock = await readFile(join(dataDir, 'postgres.lock'), 'utf8').catch(() => undefined)
    if (lock === undefined) continue
    const leftover = await startEmbeddedPostgres({ dataDir }).catch(() => undefined)
    if (!leftover) continue
    await leftover.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}
