import { describe, expect, it } from 'vitest'
import { transactUntil } from '../../src/db/cancellable.ts'
import { openTestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

const database = await openTestDatabase()
const FOR_A_MINUTE = 'select pg_sleep(60)'

const isAsked = async (statement: string) => {
  const { rows } = await database.query(
    `select from pg_stat_activity where query = $1 and state = 'active'`,
    [statement],
  )
  return rows.length > 0
}

describe('a transaction that can be given up', () => {
  const statementTimeoutMs = 70_000

  it('gives what its work gives', async () => {
    const until = new AbortController().signal
    const given = transactUntil(
      database,
      async (db) => (await db.query<{ one: number }>('select 1 as one')).rows[0]?.one,
      { until, statementTimeoutMs },
    )
    expect(await given).toBe(1)
  })

  it('ends the statement under way, and leaves the connection for others', async () => {
    const wanted = new AbortController()
    const given = transactUntil(database, (db) => db.query(FOR_A_MINUTE), {
      until: wanted.signal,
      statementTimeoutMs,
    }).catch((error: unknown) => error)
    await waitFor(() => isAsked(FOR_A_MINUTE), { what: 'the statement to begin' })

    wanted.abort()
    expect(await given).toMatchObject({ code: '57014' })
    expect(await isAsked(FOR_A_MINUTE)).toBe(false)
    const all = Array.from({ length: 10 }, () => database.query('select 1 as one'))
    expect((await Promise.all(all)).map(({ rows }) => rows)).toEqual(all.map(() => [{ one: 1 }]))
  })

  it('asks nothing more for who has gone between two statements', async () => {
    const wanted = new AbortController()
    const given = transactUntil(
      database,
      async (db) => {
        await db.query('select 1')
        wanted.abort(new Error('gone'))
        await db.query(FOR_A_MINUTE)
      },
      { until: wanted.signal, statementTimeoutMs },
    )
    await expect(given).rejects.toThrow('gone')
  })

  it('asks nothing for who has gone already', async () => {
    const given = transactUntil(database, (db) => db.query(FOR_A_MINUTE), {
      until: AbortSignal.abort(new Error('gone')),
      statementTimeoutMs,
    })
    await expect(given).rejects.toThrow('gone')
  })

  it('disturbs nobody who has the connection after it', async () => {
    const one = await openTestDatabase({ max: 2 })
    for (let round = 0; round < 50; round++) {
      const wanted = new AbortController()
      const given = transactUntil(one, (db) => db.query('select 1'), {
        until: wanted.signal,
        statementTimeoutMs,
      }).catch(() => {})
      const others = Array.from({ length: 4 }, () => one.query(`select pg_sleep(0.001)`))
      setImmediate(() => wanted.abort())
      await given
      await Promise.all(others)
    }
  })
})
