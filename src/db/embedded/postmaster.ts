import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../domain/app-error.ts'
import type { Home } from './home.ts'
import { isPostmaster, readPidFile } from './pid-file.ts'
import { codeOf, runProgram } from './processes.ts'
import { findPrograms, type Programs } from './programs.ts'
import { isAccepting, pollServer } from './readiness.ts'
import { SERVER_SETTINGS } from './settings.ts'
import { type Connection, connectionFrom, listenSettings } from './transport.ts'

/** A server that accepts connections. */
export interface Server {
  readonly pid: number
  readonly connection: Connection
}

/** Whether a server of the cluster runs; if not, whose pid a killed one has left behind. */
export type Search =
  | { readonly kind: 'running'; readonly server: Server }
  | { readonly kind: 'absent'; readonly stalePid: number | undefined }

/**
 * Looks for a server that outlived the process that started it. Believes what it can connect to,
 * and waits for one that is still starting; a pid alone may by now belong to any process.
 */
export function findRunning(home: Home): Promise<Search> {
  return pollServer(home, () => look(home))
}

async function look(home: Home): Promise<Search | undefined> {
  const file = await readPidFile(home)
  if (!file) return { kind: 'absent', stalePid: undefined }

  const { pid } = file
  if (file.isReady) {
    const connection = await connectionFrom(home, file)
    if (await isAccepting(home, connection)) return { kind: 'running', server: { pid, connection } }
  }
  // If it is there, it has just been started, is recovering, or is about to end.
  return (await isPostmaster(home, pid)) ? undefined : { kind: 'absent', stalePid: pid }
}

/** How a server is started. */
export interface LaunchOptions {
  readonly programs: Programs
  readonly connection: Connection
  /** On top of the usual ones. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** A pid in the cluster's lock files that is known to be no server. */
  readonly stalePid: number | undefined
}

/**
 * Starts a server that outlives this process: its own process group, so that Ctrl-C does not reach
 * it, and no pipe to us, so that it does not notice when we are killed.
 * @throws AppError if it ends before it accepts connections, with its last words.
 */
export async function launch(home: Home, options: LaunchOptions): Promise<Server> {
  const log = await openLog(home)
  const { size } = await log.stat()
  let ending: string | undefined
  try {
    const child = spawnServer(home, options, log)
    child.once('error', (error) => (ending = codeOf(error) ?? error.message))
    child.once('exit', (code, signal) => (ending ??= `exit ${code ?? signal}`))
    child.unref()
    const { connection } = options
    const isUp = await pollServer(home, async () => {
      if (ending !== undefined) return false
      // Not asked before it says so: each attempt would be a line in the log.
      const file = await readPidFile(home)
      if (!file?.isReady || file.pid !== child.pid) return undefined
      return (await isAccepting(home, connection)) || undefined
    })
    if (isUp && child.pid !== undefined) return { pid: child.pid, connection }
  } finally {
    await log.close()
  }
  const why = (await lastFatal(home, size)) ?? ending
  throw new AppError(
    'database_unreachable',
    `The embedded database did not start (${why}): correct that, or set DATABASE_URL; its log is ${home.logFile}.`,
  )
}

function spawnServer(
  home: Home,
  { programs, connection, settings, stalePid }: LaunchOptions,
  log: FileHandle,
) {
  const all = { ...SERVER_SETTINGS, ...settings, ...listenSettings(connection) }
  const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return spawn(join(programs.folder, 'postgres'), ['-D', home.cluster, ...args], {
    ...home.account,
    cwd: home.folder,
    // A lock file that names its grandparent is stale to the server, as after a restart of the
    // machine; unlike deleting the file, this leaves its check for orphaned children in force.
    env: { ...programs.env, ...(stalePid && { PG_GRANDPARENT_PID: String(stalePid) }) },
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
  })
}

const LOG_SIZE_MAX = 10 * 2 ** 20

/** Appends to the log; one that has grown large is kept once, as `.1`. */
async function openLog({ logFile }: Home): Promise<FileHandle> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  )
  if (size > LOG_SIZE_MAX) await rename(logFile, `${logFile}.1`)
  // The folder belongs to the account, which must not get root to write through a link.
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants
  return open(logFile, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600)
}

/** The last that the server said of itself; it also notes whom it has told to come back later. */
async function lastFatal({ logFile }: Home, from: number): Promise<string | undefined> {
  const text = (await readFile(logFile)).subarray(from).toString('utf8')
  const line = text
    .split('\n')
    .filter((candidate) => /\b(FATAL|PANIC|error)\b/.test(candidate))
    .findLast((candidate) => !candidate.includes('the database system is'))
  return line?.replace(/^.*?(?:FATAL|PANIC): */, '')
}

const FAST_MS = 30_000

/**
 * Stops the server: open transactions are rolled back and everything is written. One that has not
 * ended after half a minute is stopped without writing; it then recovers at the next start.
 */
export async function stop(home: Home, { pid }: Server): Promise<void> {
  if (process.platform === 'win32') return stopOnWindows(home)
  if (!(await signal(home, pid, 'SIGINT'))) return
  const deadline = performance.now() + FAST_MS
  while (performance.now() < deadline) {
    if (!(await isPostmaster(home, pid))) return
    await delay(10)
  }
  await signal(home, pid, 'SIGQUIT')
}

/** Only to a process that is certainly the server; false if there is none. */
async function signal(home: Home, pid: number, name: 'SIGINT' | 'SIGQUIT'): Promise<boolean> {
  if (!(await isPostmaster(home, pid))) return false
  try {
    return process.kill(pid, name)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
    throw error
  }
}

/** Windows has no signals; pg_ctl knows how to ask. */
async function stopOnWindows(home: Home): Promise<void> {
  const { folder, env } = await findPrograms(home, undefined)
  const args = ['stop', '-D', home.cluster, '-m', 'fast']
  await runProgram(join(folder, 'pg_ctl'), args, { cwd: home.folder, env })
}
