import type { Config } from '../config.ts'
import { startEmbeddedPostgres } from '../db/embedded.ts'
import { migrate } from '../db/migrate.ts'
import { openDatabase } from '../db/pool.ts'
import type { Database } from '../db/queryable.ts'

const CONNECTIONS_MAX = 2

/**
 * Does `work` on the service's database, brought up to this build: the one at `databaseUrl`, else the
 * embedded one under `dataDir`, which a running service shares and which is started and stopped here
 * where none runs.
 * @throws AppError saying what to do, if there is none; what `work` throws
 */
export async function withDatabase<T>(
  { databaseUrl, dataDir }: Pick<Config, 'databaseUrl' | 'dataDir'>,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  if (databaseUrl !== undefined) return workOn({ connectionString: databaseUrl }, work)
  const embedded = await startEmbeddedPostgres({ dataDir, whenInUse: 'join' })
  try {
    return await workOn(embedded.connection, work)
  } finally {
    await embedded.close()
  }
}

async function workOn<T>(
  connection: Parameters<typeof openDatabase>[0]['connection'],
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = openDatabase({ connection, max: CONNECTIONS_MAX })
  try {
    await migrate(database)
    return await work(database)
  } finally {
    await database.close()
  }
}
