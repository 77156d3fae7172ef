import { createServer, type Server, type Socket } from 'node:net'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { isConnectionFailure, openDatabase } from '../../src/db/pool.ts'
import type { NamedStatement, Queryable } from '../../src/db/queryable.ts'
import { openTestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

const database = await openTestDatabase()

/** A second pool on the same database. */
function openSecond(options: Partial<Parameters<typeof openDatabase>[0]> = {}) {
  const second = openDatabase({ connection: database.connection, ...options })
  onTestFinished(() => second.close())
  return second
}

async function backendOf(db: { query: typeof database.query }): Promise<number> {
  const { rows } = await db.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid ?? 0
}

async function kill(pid: number): Promise<void> {
  await database.query('select pg_terminate_backend($1)', [pid])
}

describe('values', () => {
  it.each([
    ['numeric is a string, so that money stays exact', `12.340000::numeric`, '12.340000'],
    ['int8 is a number', `9007199254740991::int8`, 9_007_199_254_740_991],
    ['int8 beyond 2^53 is a string', `9007199254740993::int8`, '9007199254740993'],
    ['count is a number', `count(*)`, 1],
    [
      'timestamptz is a Date of milliseconds',
      `'2026-03-01T12:00:00.123456+02'::timestamptz`,
      new Date('2026-03-01T10:00:00.123Z'),
    ],
    [
      'date is a string, whatever the time zone of this machine',
      `'2026-03-01'::date`,
      '2026-03-01',
    ],
    ['jsonb is parsed', `'{"a":[1]}'::jsonb`, { a: [1] }],
    [
      'uuid is a string',
      `'0198c5a0-0000-7000-8000-000000000000'::uuid`,
      '0198c5a0-0000-7000-8000-000000000000',
    ],
    ['null is null', `null::int`, null],
  ])('%s', async (_, expression, expected) => {
    const { rows } = await database.query(`select ${expression} as value`)
    expect(rows).toEqual([{ value: expected }])
  })

  it('binds a Date to the instant it is', async () => {
    const at = new Date('2026-03-29T01:30:00.000Z')
    const { rows } = await database.query('select $1::timestamptz as at', [at])
    expect(rows).toEqual([{ at }])
  })
})

describe('query', () => {
  it('parses a named statement once a connection', async () => {
    const second = openSecond({ max: 1 })
    const statement = { name: 'double', text: 'select $1::int * 2 as value' }
    await second.query({ ...statement, values: [1] })
    const { rows } = await second.query({ ...statement, values: [21] })
    const prepared = await second.query(
      `select generic_plans + custom_plans as uses from pg_prepared_statements where name = 'double'`,
    )
    expect(rows).toEqual([{ value: 42 }])
    expect(prepared.rows).toEqual([{ uses: 2 }])
  })

  it('keeps its connection after an error in a statement', async () => {
    const second = openSecond({ max: 1 })
    const before = await backendOf(second)
    await expect(second.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
    expect(await backendOf(second)).toBe(before)
  })

  it('ends a statement that takes too long, and keeps its connection', async () => {
    const second = openSecond({ max: 1, statementTimeoutMs: 50 })
    const before = await backendOf(second)
    await expect(second.query('select pg_sleep(10)')).rejects.toSatisfy(isConnectionFailure)
    expect(await backendOf(second)).toBe(before)
  })

  it('fails and recovers when its idle connection is ended', async () => {
    const seen: string[] = []
    const second = openSecond({ max: 1, log: (event) => seen.push(event) })
    const before = await backendOf(second)
    await kill(before)
    await waitFor(() => seen.length > 0, { what: 'the pool to notice' })
    expect(seen).toEqual(['database.connection_lost'])
    expect(await backendOf(second)).not.toBe(before)
  })

  it('acknowledges nothing early, although the role may be set to that', async () => {
    await database.query(
      `do $$ begin
         execute format('alter database %I set synchronous_commit = off', current_database());
       end $$`,
    )
    const { rows } = await openSecond().query('show synchronous_commit')
    expect(rows).toEqual([{ synchronous_commit: 'on' }])
  })

  it('sees what the holder of a lock did, although the role may be set to see the past', async () => {
    await database.query(
      `do $$ begin
         execute format('alter database %I set default_transaction_isolation = serializable', current_database());
       end $$`,
    )
    const { rows } = await openSecond().query('show transaction_isolation')
    expect(rows).toEqual([{ transaction_isolation: 'read committed' }])
  })

  it('closes twice without complaint', async () => {
    const second = openDatabase({ connection: database.connection })
    await second.query('select 1')
    await Promise.all([second.close(), second.close()])
  })
})

describe('transaction', () => {
  async function createTable(name: string): Promise<void> {
    await database.query(`create table ${name} (id int primary key, value int not null)`)
  }

  it('commits what work has done, and gives its result', async () => {
    await createTable('committed')
    const result = await database.transaction(async (db) => {
      await db.query('insert into committed values (1, 1)')
      return 'done'
    })
    const { rows } = await database.query('select id from committed')
    expect({ result, rows }).toEqual({ result: 'done', rows: [{ id: 1 }] })
  })

  it('rolls back what work has done when it throws, and keeps its connection', async () => {
    await createTable('rolled_back')
    const second = openSecond({ max: 1 })
    const before = await backendOf(second)
    const work = second.transaction(async (db) => {
      await db.query('insert into rolled_back values (1, 1)')
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    // On the same connection, which would still see a row that is not yet rolled back.
    expect((await second.query('select id from rolled_back')).rows).toEqual([])
    expect(await backendOf(second)).toBe(before)
  })

  it('does not take a rolled back transaction for stored when work ignores an error', async () => {
    const work = database.transaction(async (db) => {
      await db.query('select 1/0').catch(() => {})
      return 'stored'
    })
    await expect(work).rejects.toThrow('its error was ignored')
  })

  it('refuses a query after its end', async () => {
    const leaked = await database.transaction((db) => Promise.resolve({ db }))
    expect(() => leaked.db.query('select 1')).toThrow('has ended')
  })

  it('repeats the one of two that PostgreSQL ends for a deadlock (F8)', async () => {
    await createTable('locked')
    await database.query('insert into locked values (1, 0), (2, 0)')
    let attempts = 0
    let arrived = 0
    const update = (first: number, second: number) =>
      database.transaction(async (db) => {
        attempts += 1
        await db.query(`set local deadlock_timeout = '20ms'`)
        await db.query('update locked set value = value + 1 where id = $1', [first])
        arrived += 1
        await waitFor(() => arrived >= 2, { what: 'both to hold a row' })
        await db.query('update locked set value = value + 1 where id = $1', [second])
      })
    await Promise.all([update(1, 2), update(2, 1)])
    const { rows } = await database.query('select value from locked order by id')
    expect(rows).toEqual([{ value: 2 }, { value: 2 }])
    expect(attempts).toBe(3)
  })

  it('gives up after three repetitions (F8)', async () => {
    let attempts = 0
    const work = database.transaction(async (db) => {
      attempts += 1
      await db.query(`do $$ begin raise exception 'again' using errcode = '40001'; end $$`)
    })
    await expect(work).rejects.toMatchObject({ code: '40001' })
    expect(attempts).toBe(4)
  })

  it('survives the end of its connection between two statements, and replaces it (F4)', async () => {
    const second = openSecond({ max: 1 })
    let backend = 0
    const work = second.transaction(async (db) => {
      backend = await backendOf(db)
      await kill(backend)
      await waitFor(async () => !(await isConnected(backend)), { what: 'the backend to end' })
      await db.query('select 1')
    })
    await expect(work).rejects.toSatisfy(isConnectionFailure)
    expect(await backendOf(second)).not.toBe(backend)
  })

  it('allows one statement the time that it asks for', async () => {
    const second = openSecond({ statementTimeoutMs: 20 })
    // Longer than the server waits for a statement, and than this side waits for the server.
    const work = (db: Queryable) => db.query('select pg_sleep(0.4)')
    await expect(second.transaction(work)).rejects.toSatisfy(isConnectionFailure)
    await second.transaction(work, { statementTimeoutMs: 0 })
    await second.transaction(work, { statementTimeoutMs: 5_000 })
    await expect(second.transaction(work)).rejects.toSatisfy(isConnectionFailure)
  })

  it('plans the statements of a step once and by index, and those of a report for what it asks', async () => {
    const text = `select current_setting('plan_cache_mode') || ' ' || current_setting('enable_seqscan') "how"`
    const planned = async (db: Queryable, statement: string | NamedStatement = text) =>
      (await db.query<{ how: string }>(statement)).rows[0]?.how
    expect(await database.transaction(planned)).toBe('force_generic_plan off')
    expect(await database.transaction(planned, { statementTimeoutMs: 5_000 })).toBe('auto on')
    expect(await planned(database, { name: 'how-planned', text })).toBe('force_generic_plan off')
    expect(await planned(database)).toBe('auto on')
  })

  it('keeps its connection, and nothing else, after an error in a named statement', async () => {
    const second = openSecond({ max: 1 })
    const before = await backendOf(second)
    await second.query('create temporary table kept (value int)')
    const text = 'with written as (insert into kept values (1)) select 1 / $1::int'
    const broken = { name: 'broken', text, values: [0] }
    await expect(second.query(broken)).rejects.toMatchObject({ code: '22012' })
    expect((await second.query('select from kept')).rowCount).toBe(0)
    expect(await backendOf(second)).toBe(before)
  })
})

async function isConnected(pid: number): Promise<boolean> {
  const { rows } = await database.query('select from pg_stat_activity where pid = $1', [pid])
  return rows.length > 0
}

describe('a server that is away', () => {
  /** A server that accepts, and never says a word. */
  async function openBlackHole(): Promise<number> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => sockets.add(socket))
    onTestFinished(() => closeServer(server, sockets))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  function closeServer(server: Server, sockets: ReadonlySet<Socket>): void {
    for (const socket of sockets) socket.destroy()
    server.close()
  }

  it('is given up in time when it accepts and is silent (F6)', async () => {
    const connection = { host: '127.0.0.1', port: await openBlackHole(), user: 'u', database: 'd' }
    const away = openDatabase({ connection, connectTimeoutMs: 50 })
    onTestFinished(() => away.close())
    await expect(away.query('select 1')).rejects.toSatisfy(isConnectionFailure)
  })

  it('is given up in time when it falls silent in the middle (F5)', async () => {
    const second = openSecond({ max: 1, statementTimeoutMs: 50 })
    const backend = await backendOf(second)
    // Nobody may stop a backend but its own user and root, so the statement ignores its timeout.
    const work = second.transaction(async (db) => {
      await db.query('set local statement_timeout = 0')
      await db.query('select pg_sleep(10)')
    })
    await expect(work).rejects.toSatisfy(isConnectionFailure)
    expect(await backendOf(second)).not.toBe(backend)
    await kill(backend)
  })

  it('is a connection failure when nobody listens, on TCP and on a socket', async () => {
    const { host } = inject('postgres')
    const port = await openBlackHole()
    for (const connection of [
      { host: '127.0.0.1', port: 1 },
      { host: `${host}/missing`, port },
    ]) {
      const away = openDatabase({ connection: { ...connection, user: 'u', database: 'd' } })
      await expect(away.query('select 1')).rejects.toSatisfy(isConnectionFailure)
      await away.close()
    }
  })

  it('is a connection failure when all connections stay in use (F10)', async () => {
    const second = openSecond({ max: 1, connectTimeoutMs: 500 })
    await second.transaction(async () => {
      await expect(second.query('select 1')).rejects.toSatisfy(isConnectionFailure)
    })
  })
})

describe('isConnectionFailure', () => {
  it.each([
    ['an error of the program', new TypeError('undefined is not a function'), false],
    ['something else than an error', 'ECONNREFUSED', false],
    ['a refused connection', Object.assign(new Error(), { code: 'ECONNREFUSED' }), true],
    [
      'a failure inside another one',
      new Error('no', { cause: Object.assign(new Error(), { code: 'EPIPE' }) }),
      true,
    ],
    ['a missing file', Object.assign(new Error(), { code: 'EACCES' }), false],
  ])('reads %s', (_, error, expected) => {
    expect(isConnectionFailure(error)).toBe(expected)
  })

  it.each([
    ['57P01', true, 'admin shutdown'],
    ['57P03', true, 'starting up'],
    ['53300', true, 'too many connections'],
    ['53100', true, 'disk full (F9)'],
    ['08006', true, 'connection failure'],
    ['40001', false, 'serialization failure: repeat the transaction'],
    ['23505', false, 'unique violation'],
    ['42P01', false, 'no such table'],
  ])('reads SQLSTATE %s as %s: %s', async (code, expected) => {
    const raised = database.query(
      `do $$ begin raise exception 'no' using errcode = '${code}'; end $$`,
    )
    await expect(raised.catch(isConnectionFailure)).resolves.toBe(expected)
  })
})
