import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { replayCalls } from '../../src/cli/replay.ts'
import { ledgerOf } from '../../src/cli/verify.ts'
import { applyConfiguration } from '../../src/flow/apply-configuration.ts'
import { parseCampaignRules } from '../../src/domain/configuration-document.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import { replay } from '../../src/flow/replay.ts'
import { verifyLedger } from '../../src/flow/verify-ledger.ts'
import { aCampaignDocument, aConfiguration } from '../support/configuration.ts'
import { openTestDatabase } from '../support/database.ts'
import { anEndedCall, flowOn, ledger, post, queued } from '../support/flow.ts'

const flat = (trigger: string) => ({ name: 'flat', trigger, revenue: '25.00', payout: '20.00' })
const documentWith = (trigger: string, modifier: string) =>
  aCampaignDocument({
    conversion_groups: [
      {
        id: 'sales',
        type: 'postback',
        conversions: [
          flat(trigger),
          { name: 'posted', value: 'posted', payout_modifier: modifier, zero_converts: false },
        ],
      },
    ],
  })
const withoutNumbers = (document: ReturnType<typeof aCampaignDocument>) => {
  const { numbers, ...definition } = document
  return numbers ? definition : document
}
const WRONG = documentWith('sale=true', '*0.08')
const RIGHT = documentWith('sold=1', '*0.8')

/** Calls settled under a wrong modifier and a wrong trigger, and the right rules as version 2. */
async function settledWrongly() {
  const database = await openTestDatabase()
  const versions = [WRONG, RIGHT].map((document) => parseCampaignRules(withoutNumbers(document)))
  const first = await flowOn(database, versions[0])
  await database.query('alter table campaign_versions disable trigger user')
  await database.query('delete from campaign_versions')
  for (const document of [WRONG, RIGHT]) {
    await applyConfiguration(database, aConfiguration({ campaigns: [document] }), { dryRun: false })
  }
  const callers = ['1', '2', '3', '4', '5'].map((last) => `+1212555030${last}`)
  const [posted = '', sold = '', sale = '', reversed = '', open = ''] = await Promise.all(
    callers.map((callerNumber) => anEndedCall(first, { callerNumber })),
  )
  await post(first, posted, 'revenue=10.00')
  await post(first, posted, 'revenue=20.00&txid=b')
  await post(first, sold, 'sold=1')
  await post(first, sale, 'sale=true')
  await post(first, reversed, 'revenue=7.00')
  await post(first, reversed, 'reversed=true')
  await database.setClock('601 seconds')
  await expirePostbacks(first)
  const deps = {
    ...first,
    campaignRules: async (_: string, version: number) => {
      const rules = versions[version - 1]
      if (!rules) throw new Error(`no version ${version}`)
      return rules
    },
  }
  return { database, deps, posted, sold, sale, reversed, open }
}

const wanted = {
  campaignId: 'solar',
  version: 2,
  since: new Date(Date.now() - 86_400_000),
  until: new Date(Date.now() + 86_400_000),
  why: 'the modifier lacked a digit',
  madeBy: 'anna',
}

describe('replay', () => {
  it('writes adjustments and late conversions, once, and puts itself on record', async () => {
    const { database, deps, posted, sold, sale, reversed, open } = await settledWrongly()
    expect(await replay(deps, { ...wanted, replayId: uuidv7() })).toBe(3)
    expect((await ledger(database, posted)).at(-1)).toBe(
      'adjustment converted corrected 20.00 16.00',
    )
    expect((await ledger(database, sold)).at(-1)).toBe(
      'late_conversion converted trigger 25.00 20.00',
    )
    expect((await ledger(database, sale)).at(-1)).toBe('adjustment converted reversed 0.00 0.00')
    expect(await ledger(database, reversed)).toHaveLength(2)
    expect(await ledger(database, open)).toHaveLength(1)
    expect(
      (await queued(database, sold)).filter((trigger) => trigger === 'converted'),
    ).toHaveLength(1)

    expect(await replay(deps, { ...wanted, replayId: uuidv7() })).toBe(0)
    const { rows } = await database.query(
      `select why, made_by, count(s.call_uuid)::int entries,
              min(s.steps->>0) note from replays left join settlements s using (replay_id)
        group by replay_id, why, made_by order by replay_id`,
    )
    const note = 'settled anew under version 2: the modifier lacked a digit'
    expect(rows).toEqual([
      { why: wanted.why, made_by: 'anna', entries: 3, note },
      { why: wanted.why, made_by: 'anna', entries: 0, note: null },
    ])
  })

  it('leaves a ledger that can be verified, and calls that go on under the new rules', async () => {
    const { database, deps, posted } = await settledWrongly()
    await replay(deps, { ...wanted, replayId: uuidv7() })
    expect(await post(deps, posted, 'revenue=30.00')).toMatchObject({
      status: 'adjusted',
      payout: '24.00',
    })
    const source = { ...ledgerOf(database), campaignRules: deps.campaignRules }
    expect(await verifyLedger(source)).toMatchObject({ kind: 'right', entries: 11 })
  })

  it('by command says first what it would do', async () => {
    const { database } = await settledWrongly()
    const { host, port, user, password = '', database: name } = database.connection
    const config = {
      databaseUrl: `postgresql://${user}:${password}@localhost/${name}?host=${encodeURIComponent(host)}&port=${port}`,
      dataDir: '/nowhere',
    }
    const { since, until, why } = wanted
    const options = {
      campaign: 'solar',
      since: since.toISOString(),
      until: until.toISOString(),
      why,
    }
    const entries = async () => (await database.query('select from settlements')).rows.length
    const before = await entries()
    expect(await replayCalls(config, options)).toBe(
      '3 of 5 calls would be settled anew under version 2; --confirm does it.',
    )
    expect(await entries()).toBe(before)
    expect(await replayCalls(config, { ...options, confirm: true })).toBe(
      '3 calls were settled anew under version 2.',
    )
    expect(await entries()).toBe(before + 3)
  })
})
