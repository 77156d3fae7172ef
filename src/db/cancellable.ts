import type { Database, Queryable } from './queryable.ts'

/** How a transaction departs from the usual that can be given up. */
export interface CancellableOptions {
  /** Aborted when nobody waits for the result any more. */
  readonly until: AbortSignal
  /** How long one statement may take, if it is not given up before. */
  readonly statementTimeoutMs: number
}

/**
 * Runs `work` in one transaction, for reading. Once `until` is aborted PostgreSQL is told to end the statement
 * under way, and takes no other, so that the connection is free for others.
 * @throws what `work` throws; the reason of `until` where it was aborted between two statements
 */
export async function transactUntil<T>(
  database: Database,
  work: (db: Queryable) => Promise<T>,
  { until, statementTimeoutMs }: CancellableOptions,
): Promise<T> {
  const cancellable = async (db: Queryable) => {
    const pid = await backendOf(db)
    let cancelled: Promise<unknown> | undefined
    // Where this fails, the statement has its timeout.
    const cancel = () => {
      cancelled = database.query(CANCEL, [pid]).catch(() => {})
    }
    until.addEventListener('abort', cancel, { once: true })
    try {
      return await work({
        query: (statement, values) => {
          until.throwIfAborted() // between two statements there is none to end
          return db.query(statement, values)
        },
      })
    } finally {
      until.removeEventListener('abort', cancel)
      // What is told to a connection later than this could end a statement of somebody else's.
      await cancelled
    }
  }
  return database.transaction(cancellable, { statementTimeoutMs })
}

const CANCEL = 'select pg_cancel_backend($1)'

/** Asked of the server: a pooler between knows its connections by other numbers. */
async function backendOf(db: Queryable): Promise<number | undefined> {
  const { rows } = await db.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid
}
