import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../domain/app-error.ts'
import { openHome } from './embedded/home.ts'
import { type Keeper, keepRunning } from './embedded/keeper.ts'
import { type Lock, takeLock } from './embedded/lock.ts'
import { findRunning } from './embedded/postmaster.ts'
import { codeOf } from './embedded/processes.ts'
import type { Connection } from './embedded/transport.ts'

/** A PostgreSQL of the service's own. */
export interface EmbeddedPostgres {
  /** For `openDatabase`. */
  readonly connection: Connection
  /** It was running already: left behind by a killed process, or (`join`) another one's. */
  readonly adopted: boolean
  /** Stops the server, also an adopted one, unless it is another process's. Safe to call twice. */
  readonly close: () => Promise<void>
}

/** Where and how an embedded PostgreSQL runs. */
export interface EmbeddedPostgresOptions {
  /** The service's DATA_DIR; made if missing. The cluster is `postgres` in it. */
  readonly dataDir: string
  readonly log?: (event: string, fields: object) => void
  /** Server settings on top of the usual ones, for a server that is started and not adopted. */
  readonly settings?: Readonly<Record<string, string>>
  /**
   * When another live process holds this DATA_DIR: refuse (the default; two services sharing one
   * are not supported), or join its server, as a command beside the running service does.
   */
  readonly whenInUse?: 'refuse' | 'join'
}

/**
 * Gives the service a durable PostgreSQL without anything to install or configure: adopts the
 * server that a killed process left behind, else starts one, and starts it again if it dies. The
 * server outlives a kill of this process and is adopted by the next start; `close()` ends it. One
 * process holds a DATA_DIR at a time, so whoever closes is its only user.
 *
 * As root PostgreSQL runs as user `postgres` or `nobody`, if need be from a folder in /var/lib.
 * @throws AppError saying what to do: `conflict`, `missing_program`, `database_unsupported`,
 *   `database_unreachable`, `invalid_configuration`.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir)
  const lock = await lockDataDir(dataDir)
  if (lock.kind === 'held') {
    if (options.whenInUse === 'join') return joinRunning(dataDir)
    throw new AppError(
      'conflict',
      `${dataDir} is in use by process ${lock.pid}: stop that, or set DATA_DIR to another place.`,
    )
  }
  try {
    const home = await openHome(dataDir)
    const log = options.log ?? (() => {})
    const keeper = await keepRunning(home, { log, settings: options.settings })
    let closed: Promise<void> | undefined
    return { ...keeper, close: () => (closed ??= closeBoth(keeper, lock.release)) }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function closeBoth(keeper: Keeper, release: () => Promise<void>): Promise<void> {
  try {
    await keeper.close()
  } finally {
    await release()
  }
}

async function lockDataDir(dataDir: string): Promise<Lock> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    return await takeLock(join(dataDir, 'postgres.lock'))
  } catch (cause) {
    throw new AppError(
      'invalid_configuration',
      `${dataDir} cannot be written (${codeOf(cause)}): set DATA_DIR to a folder that can, or set DATABASE_URL.`,
      { cause },
    )
  }
}

const JOIN_MS = 10_000

/** The holder of the lock may itself just be starting. */
async function joinRunning(dataDir: string): Promise<EmbeddedPostgres> {
  const deadline = performance.now() + JOIN_MS
  while (performance.now() < deadline) {
    const home = await openHome(dataDir)
    const found = await findRunning(home)
    if (found.kind === 'running') {
      return { connection: found.server.connection, adopted: true, close: () => Promise.resolve() }
    }
    await delay(50)
  }
  throw new AppError(
    'database_unreachable',
    `The service that holds ${dataDir} has no running database: look at its log.`,
  )
}
