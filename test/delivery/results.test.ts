import { expect, it } from 'vitest'
import type { FinishedAttempt } from '../../src/db/finished-attempts.ts'
import type { Database } from '../../src/db/queryable.ts'
import { createDatabaseHealth } from '../../src/delivery/database-health.ts'
import { createResults } from '../../src/delivery/results.ts'
import { waitFor } from '../support/wait.ts'

const aResult = (token: string): FinishedAttempt => ({
  callUuid: '01890a5d-ac96-774b-bcce-b302099a8057',
  trackingUrlId: token,
  token,
  occurrence: 0,
  next: { kind: 'done', state: 'delivered' },
  startedAt: new Date(0),
  method: 'GET',
  status: 200,
  error: undefined,
  durationMs: 1,
})

it('stores what has waited for the database as soon as one of it is stored', async () => {
  let isDown = true
  let asked = 0
  const database = {
    query: (statement: { readonly values?: readonly unknown[] }) => {
      asked += 1
      if (isDown) return Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }))
      const rows = JSON.parse(String(statement.values?.[0])) as { token: string }[]
      return Promise.resolve({ rows: rows.map(({ token }) => ({ token, pending: 0 })) })
    },
  } as unknown as Database
  // The pauses grow to 2 s, and all but the first are that long.
  let pauses = 0
  const random = () => (pauses++ === 0 ? 0 : 1)
  const health = createDatabaseHealth(() => {}, random)
  const results = createResults(database, health, new AbortController().signal)
  const stored = ['a', 'b', 'c'].map((token) => results.store(aResult(token)))
  await waitFor(() => asked > 0, { what: 'the first try' })
  expect(results.areHeldUp()).toBe(true)

  const startMs = performance.now()
  isDown = false
  expect(await Promise.all(stored)).toEqual(
    Array.from({ length: 3 }, () => ({ kind: 'stored', pending: 0 })),
  )
  expect(asked).toBeLessThanOrEqual(3)
  expect(performance.now() - startMs).toBeLessThan(1_000)
  expect(results.areHeldUp()).toBe(false)
})

it('takes statements that fail together for one failure', () => {
  const health = createDatabaseHealth(
    () => {},
    () => 1,
  )
  for (let each = 0; each < 50; each += 1) health.failed(new Error('away'))
  expect(health.pauseMs()).toBe(200)
  health.succeeded()
  expect(health.pauseMs()).toBe(0)
})
