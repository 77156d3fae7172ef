import { describe, expect, it } from 'vitest'
import { createBatcher } from '../../src/db/batch.ts'
import { openTestDatabase } from '../support/database.ts'

/** Runs that wait until they are let through, one by one. */
function createGate() {
  const batches: (readonly number[])[] = []
  const gates: PromiseWithResolvers<void>[] = []
  const run = async (items: readonly number[]): Promise<readonly string[]> => {
    batches.push(items)
    const gate = Promise.withResolvers<void>()
    gates.push(gate)
    await gate.promise
    return items.map((item) => `done ${item}`)
  }
  return {
    batches,
    run,
    open: (index: number) => gates[index]?.resolve(),
    fail: (index: number, error: Error) => gates[index]?.reject(error),
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

describe('createBatcher', () => {
  it('starts with what arrives in one turn, and collects the rest while that is on its way', async () => {
    const gate = createGate()
    const batcher = createBatcher({ run: gate.run, sizeMax: 10, concurrency: 1 })
    const first = [batcher.add(1), batcher.add(2)]
    await nextTurn()
    const second = [batcher.add(3)]
    await nextTurn()
    second.push(batcher.add(4))
    await nextTurn()
    expect(gate.batches).toEqual([[1, 2]])

    gate.open(0)
    expect(await Promise.all(first)).toEqual(['done 1', 'done 2'])
    expect(gate.batches).toEqual([
      [1, 2],
      [3, 4],
    ])
    gate.open(1)
    expect(await Promise.all(second)).toEqual(['done 3', 'done 4'])
  })

  it('takes no more than sizeMax at once, and runs as many batches side by side as allowed', async () => {
    const gate = createGate()
    const batcher = createBatcher({ run: gate.run, sizeMax: 2, concurrency: 2 })
    const results = [1, 2, 3, 4, 5].map((item) => batcher.add(item))
    await nextTurn()
    expect(gate.batches).toEqual([
      [1, 2],
      [3, 4],
    ])
    gate.open(1)
    await results[3]
    await nextTurn()
    expect(gate.batches[2]).toEqual([5])
    gate.open(0)
    gate.open(2)
    expect(await Promise.all(results)).toEqual(['done 1', 'done 2', 'done 3', 'done 4', 'done 5'])
  })

  it('is idle when nothing waits and nothing is on its way', async () => {
    const gate = createGate()
    const batcher = createBatcher({ run: gate.run, sizeMax: 1, concurrency: 1 })
    await batcher.idle()
    const results = [batcher.add(1), batcher.add(2)]
    let idle = false
    const waiting = batcher.idle().then(() => (idle = true))
    await nextTurn()
    gate.open(0)
    await results[0]
    await nextTurn()
    expect(idle).toBe(false)
    gate.open(1)
    await waiting
    expect(await Promise.all(results)).toEqual(['done 1', 'done 2'])
  })

  it('runs the items of a failed batch one by one, so that only the bad one fails', async () => {
    const batches: (readonly number[])[] = []
    const batcher = createBatcher({
      async run(items: readonly number[]) {
        batches.push(items)
        await nextTurn()
        if (items.includes(2)) throw new Error('2 is bad')
        return items
      },
      sizeMax: 10,
      concurrency: 1,
    })
    const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)))
    expect(results).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: new Error('2 is bad') },
      { status: 'fulfilled', value: 3 },
    ])
    expect(batches).toEqual([[1, 2, 3], [1], [2], [3]])
  })

  it('fails all at once while the database is away, and works again when it is back', async () => {
    const gate = createGate()
    const batcher = createBatcher({ run: gate.run, sizeMax: 10, concurrency: 1 })
    const results = Promise.allSettled([batcher.add(1), batcher.add(2)])
    await nextTurn()
    const away = Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
    gate.fail(0, away)
    expect(await results).toEqual([
      { status: 'rejected', reason: away },
      { status: 'rejected', reason: away },
    ])
    const next = batcher.add(3)
    await nextTurn()
    gate.open(1)
    expect(await next).toBe('done 3')
    expect(gate.batches).toEqual([[1, 2], [3]])
  })

  it('does not run again what has been done with the wrong number of results', async () => {
    let runs = 0
    const batcher = createBatcher<number, number>({
      run: () => {
        runs += 1
        return Promise.resolve([1])
      },
      sizeMax: 10,
      concurrency: 1,
    })
    const results = await Promise.allSettled([batcher.add(1), batcher.add(2)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(runs).toBe(1)
  })

  it('takes a run that throws at once for a failed one', async () => {
    const batcher = createBatcher<number, number>({
      run: () => {
        throw new Error('at once')
      },
      sizeMax: 1,
      concurrency: 1,
    })
    await expect(batcher.add(1)).rejects.toThrow('at once')
    await batcher.idle()
  })

  it('turns many inserts into few commits, each answered after its own', async () => {
    const database = await openTestDatabase()
    await database.query('create table items (id int primary key, transaction text not null)')
    const batcher = createBatcher({
      async run(ids: readonly number[]) {
        const { rows } = await database.query<{ id: number }>(
          `insert into items
           select id, pg_current_xact_id()::text from unnest($1::int[]) as id
           returning id`,
          [ids],
        )
        return rows.map(({ id }) => id)
      },
      sizeMax: 100,
      concurrency: 2,
    })
    const ids = Array.from({ length: 500 }, (_, index) => index)
    expect(await Promise.all(ids.map((id) => batcher.add(id)))).toEqual(ids)
    const { rows } = await database.query(
      `select count(*) as items, count(distinct transaction) as commits from items`,
    )
    expect(rows).toEqual([{ items: 500, commits: 5 }])
  })
})
