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
 * planner then chooses badly until autovacuum comes round. Not on those that are empty: of a table that is
 * known to be empty it thinks that any way to read it is as good as another, and steps keep such a plan while
 * the table grows; of one that it knows nothing about it thinks better.
 */
export async function analyzeHotTables(database: Database): Promise<void> {
  await database.transaction(
    async (db) => {
      const { rows } = await db.query<{ names: string | null }>(FILLED)
      const names = rows[0]?.names
      if (names) await db.query(`analyze ${names}`)
    },
    { statementTimeoutMs: STATEMENT_TIMEOUT_MS },
  )
}

const FILLED = `
  select string_agg(oid::regclass::text, ', ') "names"
    from pg_class
   where (oid = 'lanes'::regclass
          or oid in (select inhrelid from pg_inherits
                      where inhparent in ('calls'::regclass, 'deliveries'::regclass)))
     and pg_relation_size(oid) > 0`
