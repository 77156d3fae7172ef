import { expect, it } from 'vitest'
import { ledgerOf } from '../../src/cli/verify.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import { verifyLedger } from '../../src/flow/verify-ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import { aCampaign, anEndedCall, everyTrackingUrl, flowOn, post } from '../support/flow.ts'

const EXPIRED = `select kind, conversion, reason, campaign_version, group_id, conversion_name, basis,
  revenue, payout, payout_clamped, postback_id, postback_value, connected_ms, late, duplicate, steps,
  publisher_id, buyer_id, settle_at - ended_at as waited, decided_at >= settle_at as in_time
    from settlements order by call_uuid`
const STANDING = `select conversion, conversion_group_id, revision, reason, conversion_name, basis, revenue,
  payout, postback_value, late, duplicate, settled_at is not null as settled from calls order by call_uuid`

/** What both ways leave behind: some calls that nobody posts for, and one with tags. */
async function expiredUnder(rules: ReturnType<typeof aCampaign>) {
  const database = await openTestDatabase()
  const deps = await flowOn(database, rules)
  for (const connectedMs of [1_000, 60_000, 3_600_000]) await anEndedCall(deps, { connectedMs })
  await post(deps, await anEndedCall(deps), 'stage="quoted"\\n&revenue=0')
  await database.setClock('601 seconds')
  const { settled } = await expirePostbacks(deps)
  const source = { ...ledgerOf(database), campaignRules: async () => rules }
  return {
    settled,
    entries: (await database.query(EXPIRED)).rows,
    calls: (await database.query(STANDING)).rows,
    queued: (await database.query('select from deliveries')).rows.length,
    verified: await verifyLedger(source),
  }
}

it('settles in one statement what the decision in the program settles, hash for hash (B10)', async () => {
  const urls = everyTrackingUrl().filter(({ trigger }) => trigger === 'not_converted')
  const silently = await expiredUnder(aCampaign({ trackingUrls: [] }))
  const loudly = await expiredUnder(aCampaign({ trackingUrls: urls }))
  expect(silently).toMatchObject({ settled: 4, queued: 0, verified: { kind: 'right', entries: 4 } })
  expect(loudly).toMatchObject({ settled: 4, queued: 4, verified: { kind: 'right', entries: 4 } })
  expect(silently.entries).toEqual(loudly.entries)
  expect(silently.calls).toEqual(loudly.calls)
})

it('settles each call once, with four processes at it', async () => {
  const database = await openTestDatabase()
  const deps = await flowOn(database, aCampaign({ trackingUrls: [] }))
  await Promise.all(Array.from({ length: 40 }, () => anEndedCall(deps)))
  await database.setClock('601 seconds')
  const rounds = await Promise.all(Array.from({ length: 4 }, () => expirePostbacks(deps)))
  expect(rounds.reduce((sum, { settled }) => sum + settled, 0)).toBe(40)
  const { rows } = await database.query(
    `select count(*) entries, count(distinct call_uuid) calls from settlements`,
  )
  expect(rows).toEqual([{ entries: 40, calls: 40 }])
})
