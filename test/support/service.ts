import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Target } from '../../sip-scenarios/rig.ts'
import { withDatabase } from '../../src/cli/with-database.ts'
import { waitFor } from './wait.ts'

/** The service as a process of its own. */
export interface ServiceProcess extends Target {
  /** Exit code; null if a signal ended it. */
  readonly exited: Promise<number | null>
  /** Standard error so far. */
  said(): string
  signal(signal: NodeJS.Signals): void
}

/** What a process said before it ended by itself. */
export interface EndedProcess {
  readonly exitCode: number | null
  /** Standard error. */
  readonly said: string
}

const API_KEY = 'end-to-end-administrator-key-0001'
/** Generous, for machines that do much else. */
const START_DEADLINE_MS = 45_000

type Environment = Readonly<Record<string, string>>

/** A DATA_DIR of a test's own, removed with the test once nothing runs in it any more. */
export async function makeDataDir(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridgeback-end-to-end-'))
  onTestFinished(async () => {
    // A service that was killed has left its PostgreSQL running; this takes it over and stops it.
    if (existsSync(join(dataDir, 'postgres'))) await withDatabase(at(dataDir), async () => {})
    await rm(dataDir, { recursive: true, force: true })
  })
  return dataDir
}

/** Starts `node src/main.ts` and waits until it is ready; it is ended with the test. */
export async function startService(
  dataDir: string,
  env: Environment = {},
): Promise<ServiceProcess> {
  const { child, said, exited } = spawnService({ DATA_DIR: dataDir, ...env })
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  })
  const address = /ready\.\n +SIP +.*?udp\/([\d.]+):(\d+).*\n[\s\S]* +API +(http:\/\/[\d.:]+)\//
  const [, host = '', port = '', api = ''] = await waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(`the service has ended: ${said()}`)
      return address.exec(said()) ?? undefined
    },
    { what: 'the service to be ready', deadlineMs: START_DEADLINE_MS },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it said: ${said()}`, { cause: error })
  })
  return {
    sip: { host, port: Number(port) },
    api,
    apiKey: API_KEY,
    exited,
    said,
    signal: (signal) => void child.kill(signal),
  }
}

/** Settings that give a restarted service the addresses it had. */
export function sameAddresses({ api, sip }: Target): Environment {
  return { HTTP_PORT: new URL(api).port, SIP_PORT: String(sip.port) }
}

/** Starts a service that cannot start, and waits for its end. */
export async function startInVain(env: Environment): Promise<EndedProcess> {
  const { child, said, exited } = spawnService(env)
  onTestFinished(() => void child.kill('SIGKILL'))
  return { exitCode: await exited, said: said() }
}

function spawnService(env: Environment) {
  const child = spawn(process.execPath, ['src/main.ts'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HTTP_PORT: '0',
      SIP_PORT: '0',
      SIP_TRANSPORTS: 'udp',
      ADMIN_API_KEY: API_KEY,
      ALLOW_PRIVATE_TARGETS: '127.0.0.0/8',
      ...env,
    },
  })
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return { child, said: () => text, exited }
}

/** What a stopped service has left undone; every number should be 0. */
export interface Leftovers {
  readonly liveCalls: number
  readonly unsentLanes: number
  readonly databaseServers: number
}

/** Looks into the database of a service that has been stopped. */
export async function findLeftovers(dataDir: string): Promise<Leftovers> {
  const isServerLeft = existsSync(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'))
  const rows = await withDatabase(at(dataDir), async (database) => {
    const counted = await database.query<Omit<Leftovers, 'databaseServers'>>(
      `select (select count(*)::int from calls where state <> 'ended') "liveCalls",
              (select count(*)::int from lanes where pending > 0) "unsentLanes"`,
    )
    return counted.rows
  })
  const { liveCalls = -1, unsentLanes = -1 } = rows[0] ?? {}
  return { liveCalls, unsentLanes, databaseServers: isServerLeft ? 1 : 0 }
}

const at = (dataDir: string) => ({ databaseUrl: undefined, dataDir })
