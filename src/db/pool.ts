import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type ClientBase,
  type ClientConfig,
  DatabaseError,
  Pool,
  type PoolClient,
  type QueryConfig,
  type QueryResult,
  types,
} from 'pg'
import type { Database, NamedStatement, Queryable, TransactionOptions } from './queryable.ts'

/** How to open a `Database`. */
export interface DatabaseOptions {
  /** `{ connectionString }`, or host (a folder that begins with `/` is a socket), port, user, … */
  readonly connection: ClientConfig
  /** Most connections at once; 10 unless said. */
  readonly max?: number
  /** How long to wait for a connection, a free one or a new one: 3 s unless said. */
  readonly connectTimeoutMs?: number
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string
  /** How long one statement may take: 3 s unless said, since callers stop waiting then. */
  readonly statementTimeoutMs?: number
  readonly log?: (event: string, fields: object) => void
}

/** Connections of a pool, and callers that wait for one. */
export interface PoolUsage {
  readonly idle: number
  readonly busy: number
  readonly waiting: number
}

/** A database whose pool can be looked at. */
export interface OpenDatabase extends Database {
  readonly usage: () => PoolUsage
}

const CONNECT_TIMEOUT_MS = 3_000
const STATEMENT_TIMEOUT_MS = 3_000
/** The server ends a late statement first, so that the connection can be kept; a dead one cannot. */
const SERVER_FIRST_MS = 250
const RETRIES_MAX = 3
const RETRY = new Set(['40001', '40P01'])

/**
 * Opens a pool of connections; connects on first use. numeric and date are strings, int8 a number
 * (a string beyond 2^53), timestamptz a Date of whole milliseconds, json is parsed. A lost
 * connection is replaced when next needed, and never ends the process.
 */
export function openDatabase(options: DatabaseOptions): OpenDatabase {
  const pool = openPool(options)
  let closed: Promise<void> | undefined
  return {
    query: (statement, values) =>
      withClient(pool, (client) =>
        typeof statement === 'string'
          ? ask(client, statement, values)
          : askInTransaction(client, statement),
      ),
    transaction: (work, transactionOptions) => transact(pool, work, transactionOptions),
    close: () => (closed ??= pool.end()),
    usage: () => ({
      idle: pool.idleCount,
      busy: pool.totalCount - pool.idleCount,
      waiting: pool.waitingCount,
    }),
  }
}

function openPool({ connection, log, ...options }: DatabaseOptions): Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS
  const pool = new Pool({
    ...connection,
    ...(connection.host?.startsWith('/') && { ssl: false }),
    application_name: options.applicationName ?? 'bridgeback',
    max: options.max ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    // What does not wait for an answer need not wait for one either: see `attemptTransaction`.
    pipeline: true,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + SERVER_FIRST_MS,
    idle_in_transaction_session_timeout: 60_000,
    types: { getTypeParser },
    // oxlint-disable-next-line typescript/no-misused-promises -- pg-pool waits for the promise
    onConnect: insistOnPromises,
  })
  // A connection that breaks while nobody asks it anything has no promise to reject: without these
  // two listeners, one for idle connections and one for those inside a transaction, Node would end.
  pool.on('error', (error) => {
    // While closing, an embedded server may end before the last connection has said goodbye.
    if (!pool.ending) log?.('database.connection_lost', { error: error.message })
  })
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/**
 * A role or database may have been set to `synchronous_commit = off`, which tells callers *stored*
 * before it is, or to see the past of what it waited for; other settings are the operator's choice and stay.
 */
async function insistOnPromises(client: ClientBase): Promise<void> {
  await client.query(
    `select set_config('synchronous_commit', 'on', false)
      where current_setting('synchronous_commit') = 'off'
      union all
     select set_config('default_transaction_isolation', 'read committed', false)`,
  )
}

const parsers: Readonly<Record<number, Parser>> = {
  [types.builtins.INT8]: parseInt8,
  // pg makes these two a Date in the time zone of this process, which moves days.
  [types.builtins.DATE]: String,
  [types.builtins.TIMESTAMP]: String,
}

type Parser = (text: string) => unknown

function getTypeParser(oid: Parameters<typeof types.getTypeParser>[0]): Parser {
  return parsers[oid] ?? (types.getTypeParser(oid) as Parser)
}

function parseInt8(text: string): number | string {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : text
}

/** With these the server ends the connection after it has answered. */
const GOODBYE = /^(?:08...|57P0.|25P03)$/

/** Connections whose state is unknown, to be closed instead of lent again. */
const unusable = new WeakSet<PoolClient>()

/** pg's own `pool.query` closes the connection after every error, a mere unique violation included. */
async function withClient<T>(pool: Pool, use: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    return await use(client)
  } finally {
    client.release(unusable.has(client))
  }
}

async function ask<Row extends object>(
  client: PoolClient,
  statement: string | NamedStatement,
  values?: readonly unknown[],
  timeoutMs?: number,
): Promise<QueryResult<Row>> {
  const config = {
    ...(typeof statement === 'string' ? { text: statement, values } : statement),
    ...(timeoutMs !== undefined && { query_timeout: timeoutMs }),
  }
  try {
    return await client.query<Row>(config as QueryConfig<unknown[]>)
  } catch (error) {
    const goesOn = error instanceof DatabaseError && !GOODBYE.test(error.code ?? '')
    if (!goesOn) unusable.add(client)
    throw error
  }
}

async function transact<T>(
  pool: Pool,
  work: (db: Queryable) => Promise<T>,
  options?: TransactionOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withClient(pool, (client) => attemptTransaction(client, work, options))
    } catch (error) {
      if (!isRetryable(error) || attempt > RETRIES_MAX) throw error
    }
    // Random, so that the two that met do not meet again.
    await delay(Math.random() * 10 * 2 ** attempt)
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof DatabaseError && RETRY.has(error.code ?? '')
}

async function attemptTransaction<T>(
  client: PoolClient,
  work: (db: Queryable) => Promise<T>,
  { statementTimeoutMs }: TransactionOptions = {},
): Promise<T> {
  const timeoutMs = readTimeoutMs(statementTimeoutMs)
  let over = false
  const db: Queryable = {
    query: (statement, values) => {
      assert(!over, 'a query was asked of a transaction that has ended')
      return ask(client, statement, values, timeoutMs)
    },
  }
  try {
    // Sent together with the first statement of the work, and answered before it.
    const begun = ask(client, beginText(statementTimeoutMs))
    begun.catch(() => {})
    const result = await work(db)
    await begun
    await commit(client)
    return result
  } catch (error) {
    if (!unusable.has(client)) await ask(client, 'rollback').catch(() => {})
    throw error
  } finally {
    over = true
  }
}

/**
 * Steps of the flow ask the same few statements again and again. Left to itself PostgreSQL plans those anew
 * each time that touch a table in partitions, the checks of foreign keys included, row by row: settling a
 * call then costs three times as much. A plan that is kept may have been made while a table was empty, as
 * in a new installation or a new month, and would then read it from end to end for every row: hence no such
 * plans. What asks for more time is a report, and worth a plan of its own.
 */
function beginText(statementTimeoutMs: number | undefined): string {
  if (statementTimeoutMs === undefined) return BEGIN
  return `begin; set local statement_timeout = ${Math.trunc(statementTimeoutMs)}`
}

// Without jit: where there is no other way than end to end, PostgreSQL 17 and older take the penalty for
// the price of a long query, and compile it.
const BEGIN = `begin; set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off;
  set local jit = off`

/** A named statement by itself, planned as those of steps are; all of it is sent at once. */
async function askInTransaction<Row extends object>(
  client: PoolClient,
  statement: NamedStatement,
): Promise<QueryResult<Row>> {
  const begun = ask(client, BEGIN)
  const answered = ask<Row>(client, statement)
  const ended = ask(client, 'commit')
  // Until all of it has been answered, the connection must not be lent again.
  await Promise.allSettled([begun, answered, ended])
  await begun
  const result = await answered
  await ended
  return result
}

function readTimeoutMs(statementTimeoutMs: number | undefined): number | undefined {
  // pg takes 0 for "as the pool"; this is the longest a Node timer can wait, 24 days.
  if (statementTimeoutMs === 0) return 2 ** 31 - 1
  return statementTimeoutMs && statementTimeoutMs + SERVER_FIRST_MS
}

/** PostgreSQL answers `commit` with ROLLBACK, and no error, where an earlier error was swallowed. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await ask(client, 'commit')
  assert.equal(command, 'COMMIT', 'a statement of the transaction failed and its error was ignored')
}

// 08 connection; 53 out of disk, memory, connections; 57P shutdown, crash; 57014 timeout; 25006 a
// standby after failover; 58030 input/output.
const AWAY = /^(?:08...|53...|57P0.|57014|25006|25P03|58030)$/
const AWAY_ON_SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOENT', // the socket of a server that is down
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
])
/** What pg says where it gives no code (8.23). */
const AWAY_IN_WORDS = new Set([
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Connection terminated',
  'Connection terminated due to connection timeout',
  'Connection terminated unexpectedly',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
])

/** The database, or else the driver, has given up a statement for time. */
export const isStatementTimeout = (error: unknown): boolean =>
  error instanceof DatabaseError
    ? error.code === '57014'
    : error instanceof Error && error.message === 'Query read timeout'

/**
 * The database is away or cannot take more at present: nothing is wrong with what was asked, and
 * the same may be asked again later. Looks through `cause`.
 */
export function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof DatabaseError) return AWAY.test(error.code ?? '')
  if ('code' in error && AWAY_ON_SOCKET.has(String(error.code))) return true
  return AWAY_IN_WORDS.has(error.message) || isConnectionFailure(error.cause)
}
