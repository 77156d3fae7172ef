import { DatabaseError } from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { goneOf } from '../../../src/http/gone.ts'
import { createSearch } from '../../../src/http/admin/search.ts'
import type { Database, Queryable, TransactionOptions } from '../../../src/db/queryable.ts'
import { openTestDatabase } from '../../support/database.ts'
import { waitFor } from '../../support/wait.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const nothingElse = () => Promise.reject(new Error('nothing else is asked'))
const staying = new AbortController().signal

/** A database that answers every transaction with this. */
function aDatabase(answer: (options?: TransactionOptions) => Promise<never>): Database {
  return {
    query: nothingElse,
    transaction: (_work, options) => answer(options),
    close: () => Promise.resolve(),
  }
}

const gaveUp = Object.assign(
  new DatabaseError('canceling statement due to statement timeout', 0, 'error'),
  { code: '57014' },
)

const PATHS = [
  '/calls?buyer=x',
  '/postback-log',
  '/reports?from=2026-01-01&to=2026-02-01',
  '/deliveries?state=failed',
  '/audit?who=x',
]

it.each(PATHS)(
  'says of %s that it took too long, and not that the database is away',
  async (path) => {
    const { app } = openTestServer({ database: aDatabase(() => Promise.reject(gaveUp)) })

    const answer = await app.inject({
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    })

    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([422, undefined])
    expect(answer.json()).toMatchObject({
      code: 'search_too_slow',
      detail: 'The search took too long: narrow it, by time for example.',
    })
  },
)

it('gives up where the driver has, too', async () => {
  const search = createSearch(aDatabase(() => Promise.reject(new Error('Query read timeout'))))
  await expect(search(nothingElse, staying)).rejects.toMatchObject({ code: 'search_too_slow' })
})

it('hands on what else goes wrong', async () => {
  const refused = new Error('refused')
  const search = createSearch(aDatabase(() => Promise.reject(refused)))
  await expect(search(nothingElse, staying)).rejects.toBe(refused)
})

it('gives a search ten seconds, and four at once a connection', async () => {
  const asked: (TransactionOptions | undefined)[] = []
  const answers: (() => void)[] = []
  const search = createSearch(
    aDatabase((options) => {
      asked.push(options)
      const { promise, reject } = Promise.withResolvers<never>()
      answers.push(() => reject(gaveUp))
      return promise
    }),
  )
  const searches = Array.from({ length: 6 }, () =>
    search(nothingElse, staying).catch(() => undefined),
  )
  await waitFor(() => asked.length === 4, { what: 'four searches' })

  for (const answer of answers.splice(0)) answer()
  await waitFor(() => asked.length === 6, { what: 'the other two' })
  for (const answer of answers) answer()
  await Promise.all(searches)

  expect(asked).toEqual(Array.from({ length: 6 }, () => ({ statementTimeoutMs: 10_000 })))
})

describe('a search that does not get its turn', () => {
  /** Four searches that go on until the test ends. */
  function openBusySearch() {
    let begun = 0
    const ended = Promise.withResolvers<never>()
    const database = aDatabase(() => ((begun += 1), ended.promise))
    const search = createSearch(database, { turnMaxMs: 50, searchMaxMs: 10_000 })
    const others = Array.from({ length: 4 }, () => search(nothingElse, staying).catch(() => {}))
    onTestFinished(async () => {
      ended.reject(new Error('the test has ended'))
      await Promise.all(others)
    })
    return { search, begun: () => begun }
  }

  it('is refused after a while, and not carried out', async () => {
    const { search, begun } = openBusySearch()
    const refused = { name: 'AppError', code: 'too_many_searches' }
    await expect(search(nothingElse, staying)).rejects.toMatchObject(refused)
    expect(begun()).toBe(4)
  })

  it('is not carried out for who has gone meanwhile', async () => {
    const { search, begun } = openBusySearch()
    const leaves = new AbortController()
    const asked = search(nothingElse, leaves.signal)
    leaves.abort()
    await expect(asked).rejects.toMatchObject({ code: 'too_many_searches' })
    expect(begun()).toBe(4)
  })

  it('is asked to come back, and sets off no alarm', async () => {
    const { app, logLines } = openTestServer()
    app.get('/busy', () => openBusySearch().search(nothingElse, staying))
    const answer = await app.inject('/busy')
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5'])
    expect(answer.json()).toMatchObject({ code: 'too_many_searches' })
    expect(logLines.filter((line) => line.includes('http.failed'))).toEqual([])
  })
})

describe('a search under way', () => {
  const LONG = 'select pg_sleep(60)'
  const isAsked = async (database: Database) => {
    const { rows } = await database.query(
      `select from pg_stat_activity where query = $1 and state = 'active'`,
      [LONG],
    )
    return rows.length > 0
  }

  it('ends when its time is over, however many statements it is made of', async () => {
    const database = await openTestDatabase()
    const search = createSearch(database, { turnMaxMs: 1_000, searchMaxMs: 200 })
    const many = async (db: Queryable) => {
      for (let round = 0; round < 300; round++) await db.query('select pg_sleep(0.01)')
    }
    await expect(search(many, staying)).rejects.toMatchObject({ code: 'search_too_slow' })
  })

  it('ends when the connection that it is for does, without an alarm', async () => {
    const database = await openTestDatabase()
    const search = createSearch(database)
    const { app, logLines } = openTestServer({ database })
    let found: Promise<unknown> | undefined
    app.get('/long', (_request, reply) => {
      found = search((db) => db.query(LONG), goneOf(reply))
      return found
    })
    const base = await app.listen({ port: 0, host: '127.0.0.1' })
    const leave = new AbortController()
    const asked = fetch(`${base}/long`, { signal: leave.signal }).catch(() => undefined)
    await waitFor(() => isAsked(database), { what: 'the search to begin' })

    leave.abort()
    await asked
    await waitFor(async () => !(await isAsked(database)), { what: 'the search to end' })
    await expect(found).rejects.toMatchObject({ code: 'search_too_slow' })
    expect(logLines.filter((line) => line.includes('http.failed'))).toEqual([])
  })
})
