import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { type FailedFilters, listFailed } from '../../src/db/failed-deliveries.ts'
import { openTestDatabase } from '../support/database.ts'
import { planOf } from '../support/plan.ts'

const FAILED = 20_000

/** What has failed at two hosts, and a little at a third. */
async function openHistory() {
  const database = await openTestDatabase({ max: 1 })
  await database.query(
    `insert into failed_deliveries (call_uuid, tracking_url_id, occurrence, host, campaign_id)
     select overlay(gen_random_uuid()::text placing lpad(to_hex(i), 8, '0') from 1 for 8)::uuid, 'sale', 1,
            case when i <= 30 then 'seldom.example' when i % 2 = 0 then 'a.example' else 'b.example' end,
            case when i <= 30 then 'old' else 'busy' end
       from generate_series(1, $1) i`,
    [FAILED],
  )
  await database.query('analyze failed_deliveries')
  return database
}

const database = await openHistory()

const LAST = {
  callUuid: '00000010-0000-4000-8000-000000000000',
  trackingUrlId: 'sale',
  occurrence: 1,
}

it.each<[string, FailedFilters, RegExp]>([
  ['all', {}, /using failed_deliveries_pkey/],
  ['those after a page', { before: LAST }, /using failed_deliveries_pkey/],
  [
    'those of a host that fails seldom',
    { host: 'seldom.example' },
    /(?:using|on) failed_deliveries_host/,
  ],
  [
    'those of a campaign that has ended',
    { campaignId: 'old' },
    /(?:using|on) failed_deliveries_campaign/,
  ],
])('lists %s without reading the others', async (_, filters, index) => {
  const plan = await planOf(database, (db) => listFailed(db, filters, 25))
  expect(plan).toMatch(index)
  expect(plan).not.toMatch(/Seq Scan/)
})

it('finds what had failed before there was a list', async () => {
  const old = await openTestDatabase()
  await old.query(
    `drop table failed_deliveries;
     drop trigger keep_failed on deliveries;
     drop function keep_failed;
     insert into campaign_versions values ('solar', 1, '{}');
     insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, dialed_number,
                        sip_call_id, started_at)
     select uuid_floor(app_now()), gen_random_uuid(), 'solar', 1, 'acme', '+18005550100', 'x', app_now();
     insert into deliveries (call_uuid, tracking_url_id, occurrence, trigger, method, url, queued_at,
                             get_after_head_refused, state, finished_at)
     select call_uuid, became, 1, 'converted', 'GET', 'https://a.example:8443/?x', app_now(), false, became,
            app_now()
       from calls, unnest(array['failed', 'delivered']) became`,
  )
  await old.query(
    await readFile(new URL('../../src/db/migrations/000120.sql', import.meta.url), 'utf8'),
  )
  expect(await listFailed(old, {}, 25)).toMatchObject([
    { trackingUrlId: 'failed', host: 'a.example:8443', campaignId: 'solar', state: 'failed' },
  ])
})
