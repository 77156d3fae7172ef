import { setTimeout as delay } from 'node:timers/promises'
import { clusterMajor, createCluster } from './cluster.ts'
import type { Home } from './home.ts'
import { isPostmaster } from './pid-file.ts'
import { findRunning, launch, type Server, stop } from './postmaster.ts'
import { findPrograms, type Programs } from './programs.ts'
import { ensureDatabase } from './readiness.ts'
import { chooseTransport, type Connection, removeSocketFolder } from './transport.ts'

/** How a cluster is kept running. */
export interface KeeperOptions {
  readonly settings?: Readonly<Record<string, string>> | undefined
  readonly log: (event: string, fields: object) => void
}

/** A server that is started again when it dies, always at the same place. */
export interface Keeper {
  readonly connection: Connection
  /** It ran already. */
  readonly adopted: boolean
  /** Stops it. */
  readonly close: () => Promise<void>
}

/** How soon a dead server is noticed; elsewhere than on Linux looking costs a process. */
const CHECK_MS = process.platform === 'linux' ? 100 : 1_000
const RETRY_MS_MAX = 5_000

/** Adopts the server that runs, or starts one, and looks after it until `close()`. */
export async function keepRunning(home: Home, options: KeeperOptions): Promise<Keeper> {
  const first = await ensureRunning(home, options)
  await ensureDatabase(first.server.connection)
  const closing = new AbortController()
  const watching = watch(home, first.server, { ...options, signal: closing.signal })
  return {
    connection: first.server.connection,
    adopted: first.adopted,
    async close() {
      closing.abort()
      await stop(home, await watching)
      await removeSocketFolder(first.server.connection)
      options.log('database.stopped', { folder: home.folder })
    },
  }
}

interface Running {
  readonly server: Server
  readonly adopted: boolean
}

async function ensureRunning(
  home: Home,
  { settings, log }: KeeperOptions,
  before?: Connection,
): Promise<Running> {
  const { folder } = home
  const found = await findRunning(home)
  if (found.kind === 'running') {
    log('database.adopted', { folder, server_pid: found.server.pid })
    return { server: found.server, adopted: true }
  }
  const programs = await prepareCluster(home, log)
  const connection = before ?? (await chooseTransport(home))
  const { stalePid } = found
  const server = await launch(home, { programs, connection, settings, stalePid })
  log('database.started', { folder, server_pid: server.pid, major: programs.major })
  return { server, adopted: false }
}

async function prepareCluster(home: Home, log: KeeperOptions['log']): Promise<Programs> {
  const major = await clusterMajor(home)
  const programs = await findPrograms(home, major)
  if (major === undefined) {
    await createCluster(home, programs)
    log('database.created', { folder: home.folder, major: programs.major })
  }
  return programs
}

/** Starts the server again whenever it has died; resolves with the last one once told to end. */
async function watch(
  home: Home,
  first: Server,
  options: KeeperOptions & { readonly signal: AbortSignal },
): Promise<Server> {
  let server = first
  let failures = 0
  while (await pause(Math.min(CHECK_MS * 2 ** failures, RETRY_MS_MAX), options.signal)) {
    if (await isPostmaster(home, server.pid)) continue
    try {
      server = (await ensureRunning(home, options, server.connection)).server
      failures = 0
    } catch (error) {
      failures += 1
      const message = error instanceof Error ? error.message : String(error)
      options.log('database.restart_failed', { error: message })
    }
  }
  return server
}

/** False once the signal has been given. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => {})
  return !signal.aborted
}
