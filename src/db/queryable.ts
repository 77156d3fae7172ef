/** What a statement answered. `rowCount` is null for statements that count nothing. */
export interface QueryResult<Row> {
  readonly rows: Row[]
  readonly rowCount: number | null
}

/**
 * A statement that each connection parses once and then calls by `name`. One name always stands for
 * one text.
 */
export interface NamedStatement {
  readonly name: string
  readonly text: string
  readonly values?: readonly unknown[]
}

/**
 * Something that answers SQL: the pool, where each statement is its own transaction, or the
 * connection inside `Database.transaction`. Parameters are bound as `$1`, `$2`, ….
 */
export interface Queryable {
  readonly query: <Row extends object = Record<string, unknown>>(
    statement: string | NamedStatement,
    values?: readonly unknown[],
  ) => Promise<QueryResult<Row>>
}

/** How a transaction departs from the usual. */
export interface TransactionOptions {
  /**
   * How long one statement may take, for reports and migrations that take longer than the pool
   * allows; they are planned for what they ask, where other transactions use the same plan again.
   * 0 is no limit.
   */
  readonly statementTimeoutMs?: number
}

/** A pool of connections to one database. */
export interface Database extends Queryable {
  /**
   * Runs `work` in one transaction: commits if it returns, rolls back if it throws. `work` is run
   * again, from its beginning, when PostgreSQL asks for it (deadlock, serialization failure); so it
   * must not do anything but SQL that could not be done twice.
   * @throws what `work` throws; a connection failure during the commit leaves open whether it has
   *   happened, so callers repeat only what may be repeated.
   */
  readonly transaction: <T>(
    work: (db: Queryable) => Promise<T>,
    options?: TransactionOptions,
  ) => Promise<T>
  /** Waits for running statements, then closes all connections. Safe to call twice. */
  readonly close: () => Promise<void>
}
