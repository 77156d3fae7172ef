import { expect, it } from 'vitest'
import { type CallFilters, listCalls } from '../../src/db/call-records.ts'
import type { Queryable } from '../../src/db/queryable.ts'
import { openTestDatabase } from '../support/database.ts'
import { planOf } from '../support/plan.ts'

const database = await openTestDatabase({ max: 1 })
await insertHistory(database)

/** Calls of a campaign that is still busy, after a few of one that has ended. */
async function insertHistory(db: Queryable): Promise<void> {
  await db.query(`insert into campaign_versions values ('old', 1, '{}'), ('busy', 1, '{}')`)
  await db.query(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, caller_number,
                        dialed_number, sip_call_id, started_at)
     select overlay(gen_random_uuid()::text placing lpad(to_hex(i), 8, '0') from 1 for 8)::uuid,
            gen_random_uuid(), case when i <= 30 then 'old' else 'busy' end, 1, 'acme',
            '+1212' || lpad((i % 5000)::text, 7, '0'), '+18005550100', 'a@b', app_now()
       from generate_series(1, 20000) i`,
  )
  await db.query('analyze calls')
}

it.each<[string, CallFilters, RegExp]>([
  ['a campaign that has ended', { campaignId: 'old' }, /using calls_\w+_call_uuid_idx/],
  ['a caller', { callerNumber: '+12120000007' }, /(?:using|on) calls_\w+caller_number\w+_idx/],
  ['a busy campaign', { campaignId: 'busy' }, /using calls_\w+(?:_call_uuid_idx|_pkey)/],
  ['all', {}, /using calls_\w+_pkey/],
  [
    'a publisher in a range',
    { publisherId: 'nobody', fromUuid: '00004000-0000-0000-0000-000000000000' },
    /using calls_\w+_pkey/,
  ],
])('lists the calls of %s without reading the others', async (_, filters, index) => {
  const plan = await planOf(database, (db) => listCalls(db, filters, 25))
  expect(plan).toMatch(index)
  expect(plan).not.toMatch(/Seq Scan on calls/)
})
