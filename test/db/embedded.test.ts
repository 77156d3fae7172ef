import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../src/db/embedded.ts'
import { findAccount, isRoot } from '../../src/db/embedded/account.ts'
import { openHome } from '../../src/db/embedded/home.ts'
import { findRunning, stop } from '../../src/db/embedded/postmaster.ts'
import { isConnectionFailure, openDatabase } from '../../src/db/pool.ts'
import type { Database } from '../../src/db/queryable.ts'
import { waitFor } from '../support/wait.ts'

/** A folder for one test, open to others; whatever runs in it is stopped, and it is removed, at the end. */
async function makeDataDir(...below: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'embedded-'))
  await chmod(folder, 0o755)
  const dataDir = join(folder, ...below)
  await mkdir(dataDir, { recursive: true })
  onTestFinished(async () => {
    const place = await realpath(join(dataDir, 'postgres')).catch(() => undefined)
    if (place) {
      const home = await openHome(dataDir)
      const found = await findRunning(home)
      if (found.kind === 'running') await stop(home, found.server)
      await rm(place, { recursive: true, force: true })
    }
    await rm(folder, { recursive: true, force: true })
  })
  return dataDir
}

async function start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres(options)
  onTestFinished(() => postgres.close())
  return postgres
}

/** Closed before the server, which would otherwise end its connections. */
function open(postgres: Pick<EmbeddedPostgres, 'connection'>): Database {
  const database = openDatabase({ connection: postgres.connection, max: 2 })
  onTestFinished(() => database.close())
  return database
}

interface Started {
  readonly child: ChildProcess
  readonly answer: { connection?: EmbeddedPostgres['connection']; code?: string; message?: string }
}

/** Runs `service.ts`, as another user if need be, until it has said how it started. */
async function startService(dataDir: string, uid?: number): Promise<Started> {
  const script = new URL('./embedded/service.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: '/',
    ...(uid !== undefined && { uid, gid: uid }),
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, answer: JSON.parse(line) as Started['answer'] }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function postmasterPid(dataDir: string): Promise<number> {
  const text = await readFile(join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8')
  return Number.parseInt(text, 10)
}

async function show(database: Database, names: readonly string[]): Promise<unknown> {
  const { rows } = await database.query<{ name: string; setting: string }>(
    // What the server starts from, before our pool may have changed it.
    'select name, reset_val as setting from pg_settings where name = any($1)',
    [names],
  )
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
}

async function store(database: Database): Promise<void> {
  await database.query('create table kept as select 42 as value')
}

async function read(database: Database): Promise<unknown> {
  return (await database.query('select value from kept')).rows
}

const KEPT = [{ value: 42 }]

describe('startEmbeddedPostgres', () => {
  it('starts a durable server that nobody else can reach', async () => {
    const dataDir = await makeDataDir()
    const postgres = await start({ dataDir })
    expect(postgres.adopted).toBe(false)
    const expected = {
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      data_checksums: 'on',
      server_encoding: 'UTF8',
      listen_addresses: '',
      TimeZone: 'UTC',
    }
    expect(await show(open(postgres), Object.keys(expected))).toEqual(expected)
    expect((await stat(join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700)
    expect((await stat(postgres.connection.host)).mode & 0o777).toBe(0o700)
  })

  it('keeps what was stored from one start to the next', async () => {
    const dataDir = await makeDataDir()
    const first = await startEmbeddedPostgres({ dataDir })
    const database = openDatabase({ connection: first.connection })
    await store(database)
    await database.close()
    await first.close()
    await expect(postmasterPid(dataDir)).rejects.toThrow('ENOENT')

    const second = await start({ dataDir })
    expect(second.adopted).toBe(false)
    expect(await read(open(second))).toEqual(KEPT)
  })

  it('adopts the server of a killed process, within a second, and stops it in the end (F51)', async () => {
    const dataDir = await makeDataDir()
    const { child, answer } = await startService(dataDir)
    await store(open({ connection: answer.connection ?? expect.fail(answer.message) }))
    const pid = await postmasterPid(dataDir)
    await kill(child)

    const startedAt = performance.now()
    const next = await startEmbeddedPostgres({ dataDir })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(next.adopted).toBe(true)
    expect(next.connection).toEqual(answer.connection)
    expect(await postmasterPid(dataDir)).toBe(pid)
    expect(await read(open(next))).toEqual(KEPT)

    await next.close()
    await expect(postmasterPid(dataDir)).rejects.toThrow('ENOENT')
  })

  it('starts although its pid file names a live process that is no server (F52)', async () => {
    const dataDir = await makeDataDir()
    const { child } = await startService(dataDir)
    const pidFile = join(dataDir, 'postgres/cluster/postmaster.pid')
    const socketLock = join(dataDir, 'postgres/socket/.s.PGSQL.5432.lock')
    const other = await startSleeper(dataDir)
    // Both killed: neither can put its files in order.
    await kill(child)
    process.kill(await postmasterPid(dataDir), 'SIGKILL')
    for (const file of [pidFile, socketLock]) {
      const lines = (await readFile(file, 'utf8')).split('\n')
      await writeFile(file, [other.pid, ...lines.slice(1)].join('\n'))
    }

    const next = await start({ dataDir })
    expect(next.adopted).toBe(false)
    expect((await open(next).query('select 1 as one')).rows).toEqual([{ one: 1 }])
    expect(other.exitCode).toBe(null)
  })

  it('starts a server again that was killed, and loses nothing (F3)', async () => {
    const dataDir = await makeDataDir()
    const events: string[] = []
    const postgres = await start({ dataDir, log: (event) => events.push(event) })
    const database = open(postgres)
    await store(database)
    const killed = await postmasterPid(dataDir)
    process.kill(killed, 'SIGKILL')

    const kept = await waitFor(
      async () => {
        const seen = await read(database).catch((error: unknown) => {
          if (isConnectionFailure(error)) return undefined
          throw error
        })
        return events.length > 2 && seen
      },
      { what: 'the server to be back', deadlineMs: 10_000 },
    )
    expect(kept).toEqual(KEPT)
    expect(await postmasterPid(dataDir)).not.toBe(killed)
    expect(events).toEqual(['database.created', 'database.started', 'database.started'])
  })

  it('refuses a folder that another service uses, and joins it if told to', async () => {
    const dataDir = await makeDataDir()
    const service = await start({ dataDir })
    await store(open(service))
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
      code: 'conflict',
      message: `${dataDir} is in use by process ${process.pid}: stop that, or set DATA_DIR to another place.`,
    })

    const guest = await startEmbeddedPostgres({ dataDir, whenInUse: 'join' })
    expect(guest.adopted).toBe(true)
    await guest.close()
    expect(await read(open(service))).toEqual(KEPT)
  })

  it('makes a cluster anew where an earlier start was killed while making it', async () => {
    const dataDir = await makeDataDir()
    const home = await openHome(dataDir)
    await mkdir(`${home.cluster}.partial`)
    await writeFile(`${home.cluster}.partial/PG_VERSION`, '18\n')
    const postgres = await start({ dataDir })
    expect((await open(postgres).query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('works in a folder whose path is too long for a socket', async () => {
    const dataDir = await makeDataDir('a'.repeat(60), 'b'.repeat(60))
    const postgres = await start({ dataDir })
    const { host } = postgres.connection
    expect(host).toMatch(/^\/tmp\/bridgeback-\w{6}$/)
    expect((await stat(host)).mode & 0o777).toBe(0o700)
    await postgres.close()
    await expect(stat(host)).rejects.toThrow('ENOENT')
  })

  it('refuses a cluster of another major version, and says how to go on', async () => {
    const dataDir = await makeDataDir()
    const home = await openHome(dataDir)
    await mkdir(home.cluster)
    await writeFile(join(home.cluster, 'PG_VERSION'), '14\n')
    const refused = startEmbeddedPostgres({ dataDir })
    await expect(refused).rejects.toMatchObject({ code: 'database_unsupported' })
    await expect(refused).rejects.toThrow(/was made by PostgreSQL 14, and only .*18.* is here/)
  })

  it('names the reason when the server does not start', async () => {
    const dataDir = await makeDataDir()
    const refused = startEmbeddedPostgres({ dataDir, settings: { max_connections: '-1' } })
    await expect(refused).rejects.toMatchObject({ code: 'database_unreachable' })
    await expect(refused).rejects.toThrow(/-1 is outside the valid range for parameter "max_conn/)
    // It has let go of the folder.
    await start({ dataDir })
  })
})

/** A live process that has nothing to do with PostgreSQL, of the user that PostgreSQL runs as. */
async function startSleeper(dataDir: string): Promise<ChildProcess> {
  const { uid, gid } = await stat(join(dataDir, 'postgres'))
  const other = spawn('sleep', ['600'], { stdio: 'ignore', ...(isRoot() && { uid, gid }) })
  onTestFinished(() => void other.kill('SIGKILL'))
  await once(other, 'spawn')
  return other
}

// These need root, to become other users.
describe.runIf(isRoot())('startEmbeddedPostgres on a machine with several users (F52)', () => {
  it('runs as an unprivileged user where the service is root', async () => {
    const dataDir = await makeDataDir()
    await start({ dataDir })
    const { uid } = await findAccount()
    expect((await stat(`/proc/${await postmasterPid(dataDir)}`)).uid).toBe(uid)
  })

  it("lets that user through root's closed DATA_DIR, but not look into it", async () => {
    const dataDir = await makeDataDir('data')
    await chmod(dataDir, 0o700)
    const postgres = await start({ dataDir })
    expect(postgres.connection.host).toBe(join(dataDir, 'postgres/socket'))
    expect((await stat(dataDir)).mode & 0o777).toBe(0o711)
  })

  it('moves where that user can reach it, below a closed folder, and finds it again', async () => {
    const dataDir = await makeDataDir('data')
    await chmod(join(dataDir, '..'), 0o700)
    const first = await startEmbeddedPostgres({ dataDir })
    const database = openDatabase({ connection: first.connection })
    await store(database)
    await database.close()
    await first.close()
    const place = await readlink(join(dataDir, 'postgres'))
    expect(place).toMatch(/^\/var\/lib\/bridgeback-\w{6}$/)

    const second = await start({ dataDir })
    expect(second.connection.host).toBe(`${place}/socket`)
    expect(await read(open(second))).toEqual(KEPT)
  })

  it('runs as an ordinary user, who cannot write to node_modules', async () => {
    const { uid, gid } = await findAccount()
    const dataDir = await makeDataDir()
    await chown(dataDir, uid, gid)
    const { answer } = await startService(dataDir, uid)
    expect(answer).toMatchObject({ connection: { host: join(dataDir, 'postgres/socket') } })
  })

  it('stays with the user to whom the cluster belongs', async () => {
    const dataDir = await makeDataDir()
    const nobody = 65_534
    await chown(dataDir, nobody, nobody)
    const { child } = await startService(dataDir, nobody)
    child.stdin?.end()
    await once(child, 'exit')
    await start({ dataDir })
    expect((await stat(`/proc/${await postmasterPid(dataDir)}`)).uid).toBe(nobody)
  })

  it.each([
    {
      name: 'a user without an entry in /etc/passwd',
      uid: 54_321,
      mode: 0o777,
      expected: {
        code: 'invalid_configuration',
        message:
          'User 54321 has no entry in /etc/passwd, which the embedded database needs: start as a user that has one, or set DATABASE_URL.',
      },
    },
    {
      name: 'a user who may not write to DATA_DIR',
      uid: 65_534,
      mode: 0o755,
      expected: {
        code: 'invalid_configuration',
        message: expect.stringMatching(
          /^\/\S+ cannot be written \(EACCES\): set DATA_DIR to a folder that can, or set DATABASE_URL\.$/,
        ) as string,
      },
    },
  ])('refuses $name in one sentence', async ({ uid, mode, expected }) => {
    const dataDir = await makeDataDir()
    await chmod(dataDir, mode)
    const { answer } = await startService(dataDir, uid)
    expect(answer).toEqual(expected)
  })
})
