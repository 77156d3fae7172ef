import { expect, it } from 'vitest'
import { lockLostCalls } from '../../src/db/processes.ts'
import type { Queryable } from '../../src/db/queryable.ts'
import { openTestDatabase } from '../support/database.ts'

const database = await openTestDatabase({ max: 1 })

async function insertEndedCalls(db: Queryable): Promise<void> {
  await db.query(`insert into campaign_versions values ('solar', 1, '{}')`)
  await db.query(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, dialed_number,
                        sip_call_id, started_at, state, ended_at)
     select overlay(gen_random_uuid()::text placing lpad(to_hex(i), 8, '0') from 1 for 8)::uuid,
            gen_random_uuid(), 'solar', 1, 'acme', '+18005550100', 'a@b', app_now(), 'ended', app_now()
       from generate_series(1, 20000) i`,
  )
}

/** How lost calls are looked for, as the plan's lines: with a plan for any values, as in the service. */
async function planOfLostCalls(): Promise<string> {
  return database.transaction(async (db) => {
    let plan = ''
    const explain: Queryable = {
      async query(statement) {
        if (typeof statement === 'string') throw new TypeError('the statement has no name')
        await db.query(`prepare lost as ${statement.text}`)
        const { rows } = await db.query<{ 'QUERY PLAN': string }>(
          "explain (costs off) execute lost(20, 200, '{}')",
        )
        plan = rows.map((row) => row['QUERY PLAN']).join('\n')
        await db.query('deallocate lost')
        return { rows: [], rowCount: 0 }
      },
    }
    await lockLostCalls(explain, { staleSeconds: 20, limit: 200, except: [] })
    return plan
  })
}

it('calls of dead processes are found without reading those that have ended, analysed or not', async () => {
  await insertEndedCalls(database)
  const before = await planOfLostCalls()
  await database.query('analyze calls')
  for (const plan of [before, await planOfLostCalls()]) {
    expect(plan).toMatch(/calls_\w+_process_id_idx/)
    expect(plan).not.toMatch(/Seq Scan on calls|calls_\w+_pkey/)
  }
})
