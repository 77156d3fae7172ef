import { DatabaseError } from 'pg'
import { expect, it } from 'vitest'
import { createSearch } from '../../../src/http/admin/search.ts'
import type { Database, TransactionOptions } from '../../../src/db/queryable.ts'
import { waitFor } from '../../support/wait.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const nothingElse = () => Promise.reject(new Error('nothing else is asked'))

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
  await expect(search(nothingElse)).rejects.toMatchObject({ code: 'search_too_slow' })
})

it('hands on what else goes wrong', async () => {
  const refused = new Error('refused')
  const search = createSearch(aDatabase(() => Promise.reject(refused)))
  await expect(search(nothingElse)).rejects.toBe(refused)
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
  const searches = Array.from({ length: 6 }, () => search(nothingElse).catch(() => undefined))
  await waitFor(() => asked.length === 4, { what: 'four searches' })

  for (const answer of answers.splice(0)) answer()
  await waitFor(() => asked.length === 6, { what: 'the other two' })
  for (const answer of answers) answer()
  await Promise.all(searches)

  expect(asked).toEqual(Array.from({ length: 6 }, () => ({ statementTimeoutMs: 10_000 })))
})
