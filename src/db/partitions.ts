import type { Database } from './queryable.ts'

const MONTHS_AHEAD = 3
const STATEMENT_TIMEOUT_MS = 60_000

/** Makes sure that the tables of calls have partitions for this month and those ahead. */
export async function ensurePartitions(database: Database): Promise<void> {
  await database.transaction(
    async (db) => {
      await db.query(
        `select ensure_partitions(app_now() - interval '1 day', app_now() + make_interval(months => $1))`,
        [MONTHS_AHEAD],
      )
    },
    { statementTimeoutMs: STATEMENT_TIMEOUT_MS },
  )
}

/**
 * Gathers statistics on the tables that work is claimed from: a database that has crashed has none, and the
 * planner then chooses badly until autovacuum comes round.
 */
export async function analyzeHotTables(database: Database): Promise<void> {
  await database.transaction(
    async (db) => void (await db.query('analyze lanes, calls, deliveries')),
    {
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    },
  )
}
