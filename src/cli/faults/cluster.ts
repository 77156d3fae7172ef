import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../db/embedded.ts'
import { migrate } from '../../db/migrate.ts'
import { analyzeHotTables, ensurePartitions } from '../../db/partitions.ts'
import { openDatabase } from '../../db/pool.ts'
import type { Database } from '../../db/queryable.ts'

/** A PostgreSQL that may be crashed; it is started again within moments, and recovers. */
export interface Cluster {
  /** A folder for the runs, gone when the cluster is closed. */
  readonly folder: string
  /** A database of its own for each run, with the schema of this build. */
  readonly create: (name: string) => Promise<RunDatabase>
  /**
   * As `pg_ctl stop -m immediate` does: nothing is written, every connection is cut. False while the
   * server is still being started again.
   */
  readonly crash: () => boolean
  /** Safe to call twice. */
  readonly close: () => Promise<void>
}

/** The database of one run. */
export interface RunDatabase {
  readonly database: Database
  readonly connection: Parameters<typeof openDatabase>[0]['connection']
}

const CONNECTIONS_MAX = 2
/** Judging reads everything at once. */
const STATEMENT_TIMEOUT_MS = 60_000

/**
 * Starts it in a folder of its own. A commit that nobody waits for reaches the disk only after ten
 * seconds: commits that are waited for do not notice, and the others are lost in a crash, as they
 * would be in time.
 */
export async function startCluster(): Promise<Cluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridgeback-faults-'))
  let pid: number | undefined
  const postgres = await startEmbeddedPostgres({
    dataDir,
    settings: { wal_writer_delay: '10s', wal_writer_flush_after: '1GB' },
    log: (event, fields) => {
      if (event === 'database.started' && 'server_pid' in fields) pid = Number(fields.server_pid)
    },
  })
  const opened: Database[] = []
  let closed: Promise<void> | undefined

  async function close(): Promise<void> {
    await Promise.all(opened.map((database) => database.close()))
    await postgres.close()
    await rm(dataDir, { recursive: true, force: true })
  }

  return {
    folder: dataDir,
    async create(name) {
      const server = openDatabase({ connection: postgres.connection, max: 1 })
      await server.query(`create database ${name}`)
      await server.close()
      const connection = { ...postgres.connection, database: name }
      const statementTimeoutMs = STATEMENT_TIMEOUT_MS
      const database = openDatabase({ connection, max: CONNECTIONS_MAX, statementTimeoutMs })
      opened.push(database)
      await migrate(database)
      await ensurePartitions(database)
      await analyzeHotTables(database)
      return { database, connection }
    },
    crash() {
      const crashed = pid
      // Until the next one is up there is nothing to crash, and the number may be anybody's.
      pid = undefined
      if (crashed === undefined) return false
      return process.kill(crashed, 'SIGQUIT')
    },
    close: () => (closed ??= close()),
  }
}
