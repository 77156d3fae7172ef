import { expect, it } from 'vitest'
import { findConversionsOf, findEarlierConversions } from '../../src/db/earlier-conversions.ts'
import { readPastCallers } from '../../src/db/past-calls.ts'
import type { Queryable } from '../../src/db/queryable.ts'
import { openTestDatabase } from '../support/database.ts'

const database = await openTestDatabase({ max: 1 })

async function insertCalls(): Promise<void> {
  await database.query(`insert into campaign_versions values ('solar', 1, '{}')`)
  await database.query(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, dialed_number,
                        sip_call_id, started_at, state, ended_at, caller_number, conversion, settled_at,
                        revenue, payout, basis, conversion_group_id)
     select overlay(overlay(gen_random_uuid()::text placing lpad(to_hex(i), 8, '0') from 1 for 8)
                    placing left(uuid_floor(app_now())::text, 8) from 1 for 8)::uuid,
            gen_random_uuid(), 'solar', 1, 'acme', '+18005550100', 'a@b', app_now(), 'ended', app_now(),
            '+1212555' || i % 5000, 'converted', app_now(), 1, 1, 'trigger:flat', 'sales'
       from generate_series(1, 10000) i`,
  )
}

/** The plans of what `work` asks, for any values, by the names of the statements. */
async function plansOf(
  work: (db: Queryable) => Promise<unknown>,
): Promise<ReadonlyMap<string, string>> {
  const plans = new Map<string, string>()
  await work({
    async query(statement, values) {
      if (typeof statement !== 'string') {
        const { rows } = await database.query<{ 'QUERY PLAN': string }>(
          `explain (generic_plan, costs off) ${statement.text}`,
        )
        plans.set(statement.name, rows.map((row) => row['QUERY PLAN']).join('\n'))
      }
      return database.query(statement, values)
    },
  })
  return plans
}

it('the calls of a caller are found by the caller, however many there are in the range', async () => {
  await insertCalls()
  const hour = 3_600_000
  const range = { since: new Date(Date.now() - hour), until: new Date(Date.now() + hour) }
  const caller = { campaignId: 'solar', callerNumber: '+12125550', groupId: 'sales' }
  const callUuid = '00000000-0000-7000-8000-000000000001'
  for (const analyze of [false, true]) {
    if (analyze) await database.query('analyze calls')
    const plans = await plansOf(async (db) => {
      for await (const page of readPastCallers(db, { campaignId: 'solar', ...range })) {
        expect(page.length).toBeGreaterThan(0)
        break
      }
      await findConversionsOf(db, 'solar', [caller.callerNumber])
      await findEarlierConversions(db, [{ ...caller, callUuid, dedupeSeconds: 60 }])
    })
    const names = ['find-new-callers', 'read-past-calls-of']
    for (const name of [...names, 'find-conversions-of', 'find-earlier-conversions']) {
      expect(plans.get(name), name).toMatch(/_caller_number_campaign_id_/)
      expect(plans.get(name), name).not.toMatch(/Seq Scan|_pkey/)
    }
  }
})
