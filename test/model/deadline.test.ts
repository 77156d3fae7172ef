import { setTimeout as delay } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { expect, it } from 'vitest'
import { ledgerOf } from '../../src/cli/verify.ts'
import type { Database } from '../../src/db/queryable.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import { startLoop } from '../../src/flow/loop.ts'
import { createSteps } from '../../src/flow/steps.ts'
import { verifyLedger } from '../../src/flow/verify-ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import { aCampaign, everyTrackingUrl, flowOn, silent } from '../support/flow.ts'

const CALLS = 10_000
const AT_ONCE = 200
const NEAR_MS = 20

/** Calls that wait for a postback a little longer. */
async function insertPending(database: Database): Promise<readonly string[]> {
  const callUuids = Array.from({ length: AT_ONCE }, () => uuidv7())
  await database.query(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id,
                        buyer_id, bridged_leg, dialed_number, sip_call_id, state, started_at,
                        answered_at, ended_at, connected_ms, conversion, conversion_group_id, settle_at)
     select call_uuid, gen_random_uuid(), 'solar', 1, 'acme', 'solar-direct', 1, '+18005550100', 'a@b',
            'ended', app_now(), app_now(), at - interval '600 s', 60000, 'pending', 'sales', at
       from unnest($1::uuid[]) as new (call_uuid),
            (select date_trunc('milliseconds', app_now()) + make_interval(secs => $2)) deadline (at)`,
    [callUuids, (2 * NEAR_MS) / 1000],
  )
  return callUuids
}

it('10,000 postbacks within 20 ms of their deadlines make one decision each, or a late one (B9 to B11)', async () => {
  const database = await openTestDatabase()
  const urls = everyTrackingUrl().filter(({ trigger }) => /converted|finished/.test(trigger))
  const rules = aCampaign({ trackingUrls: urls })
  const deps = await flowOn(database, rules)
  const steps = createSteps(deps, new AbortController().signal)
  const round = async () => (await expirePostbacks(deps)).isFull
  const loops = ['one', 'two'].map((name) => startLoop({ name, round, everyMs: 5, log: silent }))
  const text = { query: 'revenue=10.00', body: '' }
  const replies = new Set<string>()
  const send = async (callUuid: string, index: number, deadlineMs: number) => {
    const offMs = (2 * NEAR_MS * index) / AT_ONCE - NEAR_MS
    await delay(Math.max(0, deadlineMs + offMs - performance.now()))
    const request = { callUuid, leg: 1, text, source: '::1', isPrefetch: false } as const
    replies.add((await steps.receivePostback({ ...request, method: 'GET' })).status)
  }
  for (let sent = 0; sent < CALLS; sent += AT_ONCE) {
    const deadlineMs = performance.now() + 2 * NEAR_MS
    const callUuids = await insertPending(database)
    await Promise.all(callUuids.map((callUuid, index) => send(callUuid, index, deadlineMs)))
  }
  await Promise.all(loops.map((loop) => loop.close()))

  expect(replies).toEqual(new Set(['converted']))
  const { rows } = await database.query<{ history: string; fired: string }>(
    `select (select string_agg(kind || ' ' || reason, ', ' order by revision) from settlements s
              where s.call_uuid = calls.call_uuid) history,
            (select string_agg(trigger, ', ' order by trigger) from deliveries d
              where d.call_uuid = calls.call_uuid) fired
       from calls group by 1, 2 order by 1 desc`,
  )
  expect(rows).toEqual([
    {
      history: 'settlement posted_revenue',
      fired: 'converted, finished',
    },
    {
      history: 'settlement no_postback, late_conversion posted_revenue',
      fired: 'converted, finished, not_converted',
    },
  ])
  const source = { ...ledgerOf(database), campaignRules: async () => rules }
  expect(await verifyLedger(source)).toMatchObject({ kind: 'right' })
}, 60_000)
