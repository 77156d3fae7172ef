import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { AppError } from '../../domain/app-error.ts'
import { isConnectionFailure } from '../pool.ts'
import type { Home } from './home.ts'
import type { Connection } from './transport.ts'

const POLL_MS = 10
/** After a crash a server first reads up to 1 GB of its log. */
const DEADLINE_MS = 5 * 60_000

/** Asks on a connection of its own, to the database that every cluster has. */
async function withClient<T>(
  connection: Connection,
  ask: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    ...connection,
    database: 'postgres',
    ssl: false,
    connectionTimeoutMillis: 1_000,
    query_timeout: 10_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    return await ask(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Whether the server accepts connections now, and is that of the home's cluster. */
export async function isAccepting(home: Home, connection: Connection): Promise<boolean> {
  try {
    const { rows } = await withClient(connection, (client) =>
      client.query<{ data_directory: string }>('show data_directory'),
    )
    return resolve(rows[0]?.data_directory ?? '') === home.cluster
  } catch (error) {
    if (isConnectionFailure(error)) return false
    throw error
  }
}

/** Makes the service's database, where an earlier start was killed before it came to that. */
export async function ensureDatabase(connection: Connection): Promise<void> {
  await withClient(connection, async (client) => {
    const values = [connection.database]
    const { rows } = await client.query('select from pg_database where datname = $1', values)
    if (rows.length > 0) return
    await client.query(`create database ${client.escapeIdentifier(connection.database)}`)
  })
}

/**
 * Asks `look` again and again until it gives something: a server that recovers from a crash takes
 * its time.
 * @throws AppError after five minutes without.
 */
export async function pollServer<T>(home: Home, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS
  while (performance.now() < deadline) {
    const found = await look()
    if (found !== undefined) return found
    await delay(POLL_MS)
  }
  throw new AppError(
    'database_unreachable',
    `The embedded database in ${home.folder} runs but does not answer: see ${home.logFile}, end it and start again.`,
  )
}
