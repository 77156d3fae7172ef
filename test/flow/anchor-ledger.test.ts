import { describe, expect, it } from 'vitest'
import { ledgerOf } from '../../src/cli/verify.ts'
import { listAnchors } from '../../src/db/ledger-anchors.ts'
import type { Queryable } from '../../src/db/queryable.ts'
import { anchorLedger } from '../../src/flow/anchor-ledger.ts'
import { receivePostbacks } from '../../src/flow/receive-postback.ts'
import { ensurePartitions } from '../../src/db/partitions.ts'
import { openTestDatabase } from '../support/database.ts'
import { anEndedCall, flowOn, post, silent } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

async function start() {
  const database = await openTestDatabase()
  return { database, deps: await flowOn(database), log: silent }
}

const covered = async (database: Queryable) =>
  (await listAnchors(database)).reduce((sum, { entries }) => sum + entries, 0)

/** Transactions of other tests on the same server may hold an anchor back for a while. */
const untilCovered = (database: Queryable, round: () => Promise<unknown>, entries: number) =>
  waitFor(
    async () => {
      await round()
      return (await covered(database)) === entries
    },
    { what: `${entries} entries to be anchored` },
  )

describe('anchorLedger', () => {
  it('anchors what was there a round before, once', async () => {
    const { database, deps, log } = await start()
    await post(deps, await anEndedCall(deps), 'revenue=1')
    const round = anchorLedger({ database, log })
    await round()
    expect(await covered(database)).toBe(0)
    await untilCovered(database, round, 1)
    await round()
    expect(await listAnchors(database)).toMatchObject([{ anchor: 1, entries: 1 }])
  })

  it('neither waits for a settlement that is under way nor leaves it out', async () => {
    const { database, deps, log } = await start()
    const [slow, fast] = [await anEndedCall(deps), await anEndedCall(deps)]
    const stored = Promise.withResolvers<void>()
    const mayCommit = Promise.withResolvers<void>()
    const holdingBack = {
      ...database,
      transaction: <T>(work: (db: typeof database) => Promise<T>) =>
        database.transaction(async (db) => {
          const result = await work({ ...database, query: db.query })
          stored.resolve()
          await mayCommit.promise
          return result
        }),
    }
    const request = { leg: 1, text: { query: 'revenue=1', body: '' }, source: '::1' }
    const postback = { ...request, callUuid: slow, method: 'GET', isPrefetch: false } as const
    const slowly = receivePostbacks({ ...deps, database: holdingBack }, [postback])
    await stored.promise
    await post(deps, fast, 'revenue=2')

    const round = anchorLedger({ database, log })
    for (let index = 0; index < 4; index++) await round()
    expect(await covered(database)).toBe(0)
    mayCommit.resolve()
    await slowly
    await untilCovered(database, round, 2)
  })

  it('is done by one process at a time, and by several in turn', async () => {
    const { database, deps, log } = await start()
    const rounds = [anchorLedger({ database, log }), anchorLedger({ database, log })]
    for (let index = 0; index < 4; index++) {
      await post(deps, await anEndedCall(deps), 'revenue=1')
      await Promise.all(rounds.map((round) => round()))
    }
    await untilCovered(database, () => Promise.all(rounds.map((round) => round())), 4)
    for await (const page of ledgerOf(database).places()) expect(page).toHaveLength(4)
  })

  it('cannot be changed or emptied', async () => {
    const { database, deps, log } = await start()
    await post(deps, await anEndedCall(deps), 'revenue=1')
    await untilCovered(database, anchorLedger({ database, log }), 1)
    for (const statement of [
      'delete from ledger_anchors',
      'update ledger_anchors set entries = 2',
      'truncate ledger_anchors',
      'truncate settlements cascade',
    ]) {
      await expect(database.query(statement)).rejects.toThrow(/append-only/)
    }
  })

  it('cannot be emptied a month at a time, this month or a later one', async () => {
    const { database } = await start()
    await ensurePartitions(database)
    const { rows } = await database.query<{ month: string }>(
      `select inhrelid::regclass::text "month" from pg_inherits
        where inhparent in ('settlements'::regclass, 'postbacks'::regclass)`,
    )
    expect(rows.length).toBeGreaterThanOrEqual(10)
    for (const { month } of rows) {
      await expect(database.query(`truncate ${month}`), month).rejects.toThrow(/append-only/)
    }
  })
})
