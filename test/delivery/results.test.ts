import { expect, it } from 'vitest'
import type { FinishedAttempt } from '../../src/db/finished-attempts.ts'
import type { Database } from '../../src/db/queryable.ts'
import { createDatabaseHealth, type DatabaseHealth } from '../../src/delivery/database-health.ts'
import { createResults } from '../../src/delivery/results.ts'

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

/** The one that is told to pause first asks again at once, the others hardly before the test is over. */
function firstSoonOthersNever(): DatabaseHealth {
  let isAway = false
  let pauses = 0
  return {
    isAway: () => isAway,
    pauseMs: () => (pauses++ === 0 ? 20 : 600_000),
    failed: () => (isAway = true),
    succeeded: () => (isAway = false),
  }
}

it('stores what has waited for the database as soon as one of it is stored', async () => {
  const heldUp: boolean[] = []
  const database = {
    query: (statement: { readonly values?: readonly unknown[] }) => {
      heldUp.push(results.areHeldUp())
      const isAway = heldUp.length === 1
      if (isAway) return Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }))
      const rows = JSON.parse(String(statement.values?.[0])) as { token: string }[]
      return Promise.resolve({ rows: rows.map(({ token }) => ({ token, pending: 0 })) })
    },
  } as unknown as Database
  const results = createResults(database, firstSoonOthersNever(), new AbortController().signal)
  expect(await Promise.all(['a', 'b', 'c'].map((token) => results.store(aResult(token))))).toEqual(
    Array.from({ length: 3 }, () => ({ kind: 'stored', pending: 0 })),
  )
  // All together in vain, then the first alone, then the others.
  expect(heldUp).toEqual([false, true, false])
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
