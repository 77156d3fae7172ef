import { expect, it } from 'vitest'
import { type PostbackFilters, searchPostbacks } from '../../src/db/postback-log.ts'
import type { Queryable } from '../../src/db/queryable.ts'
import { openTestDatabase } from '../support/database.ts'
import { planOf } from '../support/plan.ts'

const database = await openTestDatabase({ max: 1 })
await insertHistory(database)

/** A postback a minute for two weeks, each of a call of its own. */
async function insertHistory(db: Queryable): Promise<void> {
  await db.query(`insert into campaign_versions values ('solar', 1, '{}')`)
  await db.query(
    `with new as materialized (
       select overlay(gen_random_uuid()::text placing left(uuid_floor(at)::text, 13) from 1 for 13)::uuid id, at
         from generate_series(1, 20160) i, lateral (select app_now() - make_interval(mins => i)) as made (at)
     ), called as (
       insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, dialed_number,
                          sip_call_id, started_at)
       select id, gen_random_uuid(), 'solar', 1, 'acme', '+18005550100', 'a@b', at from new
     )
     insert into postbacks (call_uuid, postback_id, received_at, source, method, query, body, http_status, status,
                            reason, conversion)
     select id, id, at, '127.0.0.1', 'GET', 'revenue=10', '', 200, 'converted', 'posted_revenue', 'converted'
       from new`,
  )
  await db.query('analyze')
}

/** How a page is read, and how many postbacks were looked at for it. */
const planOfPage = (filters: PostbackFilters) =>
  planOf(
    database,
    (db) => searchPostbacks(db, filters, 26),
    'analyze, costs off, timing off, summary off',
  )

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)

it.each<[string, PostbackFilters]>([
  ['all', {}],
  ['a campaign', { campaign: 'solar' }],
  ['a range that is long over', { from: daysAgo(12), to: daysAgo(8) }],
  [
    'all before one of them',
    { before: '01890a5d-ac96-774b-bcce-b302099a8057', from: daysAgo(999) },
  ],
])('reads a page of %s from the end of its range and sorts nothing', async (_, filters) => {
  const plan = await planOfPage(filters)

  expect(plan).toMatch(/Index Scan Backward using postbacks_\w*postback_id_idx/)
  expect(plan).not.toMatch(/Seq Scan on postbacks|Sort|Hash/)
})

it('looks at no postback that came before the range, a day excepted', async () => {
  const plan = await planOfPage({ reason: 'no_such_reason', from: daysAgo(2) })

  const passedOver = [...plan.matchAll(/Rows Removed by Filter: (\d+)/g)]
  const count = passedOver.reduce((sum, [, rows]) => sum + Number(rows), 0)
  expect(count).toBeGreaterThanOrEqual(2 * 1_440 - 1)
  expect(count).toBeLessThanOrEqual(3 * 1_440 + 1)
})
