import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { rehearseFile } from '../../src/cli/rehearse.ts'
import { parseCampaignRules } from '../../src/domain/configuration-document.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import { type Difference, rehearse } from '../../src/flow/rehearse.ts'
import { createChance } from '../model/chance.ts'
import { aCampaignDocument } from '../support/configuration.ts'
import { anEndedCall, beginCall, bridgeCall, endCall, openFlow, post } from '../support/flow.ts'

const group = (modifier: string, more: object = {}) => ({
  id: 'sales',
  type: 'postback' as const,
  conversions: [
    { name: 'flat', trigger: 'sale=true', revenue: '25.00', payout: '20.00' },
    { name: 'posted', value: 'posted' as const, payout_modifier: modifier },
  ],
  ...more,
})
const long = (seconds: number) => ({
  id: 'long',
  type: 'duration' as const,
  filters: { tags: { kind: 'long' } },
  conversions: [{ name: 'long', seconds, revenue: '12.00', payout: '6.00' }],
})
const { numbers: _, ...definition } = aCampaignDocument({
  conversion_groups: [long(60), group('*0.8')],
})
const rules = parseCampaignRules(definition)
const rulesWith = (...conversion_groups: readonly object[]) =>
  parseCampaignRules({ ...definition, conversion_groups })

const { database, deps } = await openFlow(rules)
await database.query('alter table campaign_versions disable trigger user')
await database.query('update campaign_versions set definition = $1', [JSON.stringify(definition)])

const TEXTS = [
  'revenue=10',
  'revenue=12.5',
  'sale=true',
  'revenue=0',
  'reversed=true',
  'kind=long',
] as const

/** Random histories, each call's postbacks one after the other, some before its end and some too late. */
async function play(seed: number): Promise<void> {
  const chance = createChance(seed)
  const facts = await beginCall(deps, { callerNumber: `+1212555${1000 + seed}` })
  await bridgeCall(deps, facts)
  for (let left = chance.below(3); left > 0; left--) {
    await post(deps, facts.callUuid, chance.oneOf(TEXTS))
  }
  await endCall(deps, facts.callUuid)
  for (let left = chance.below(3); left > 0; left--) {
    await post(deps, facts.callUuid, `${chance.oneOf(TEXTS)}&txid=${chance.below(2)}`)
  }
}
await Promise.all(Array.from({ length: 60 }, (_, seed) => play(seed)))
const sold = await anEndedCall(deps, { callerNumber: '+12125559999' })
await post(deps, sold, 'revenue=100.00&geo=us')
await database.setClock('601 seconds')
while ((await expirePostbacks(deps)).isFull);
const late = await anEndedCall(deps, { callerNumber: '+12125559998' })
await database.setClock('1300 seconds')
while ((await expirePostbacks(deps)).isFull);
await post(deps, late, 'revenue=50.00')

const range = {
  campaignId: 'solar',
  since: new Date(Date.now() - 86_400_000),
  until: new Date(Date.now() + 86_400_000),
}

async function differencesUnder(...groups: readonly object[]) {
  const differences: Difference[] = []
  const found = await rehearse(database, {
    ...range,
    rulesFor: () => rulesWith(...groups),
    onDifference: (difference) => differences.push(difference),
  })
  return { ...found, differences }
}

describe('rehearse (B15)', () => {
  it('finds nothing that would differ under the rules that decided', async () => {
    const { calls, differences, before, after } = await differencesUnder(long(60), group('*0.8'))
    expect(calls).toBe(62)
    expect(differences).toEqual([])
    expect(after).toEqual(before)
    expect(before.converted).toBeGreaterThan(20)
  })

  it('takes all calls since the beginning of time, which no UUID reaches', async () => {
    const { calls } = await rehearse(database, {
      ...range,
      since: new Date(0),
      rulesFor: () => rulesWith(long(60), group('*0.8')),
      onDifference: () => {},
    })
    expect(calls).toBe(62)
  })

  it('says what each call would be worth under others', async () => {
    const { differences } = await differencesUnder(long(60), group('*0.5'))
    const found = differences.find(({ callUuid }) => callUuid === sold)
    expect(found).toMatchObject({
      before: { conversion: 'converted', revenue: '100.000000', payout: '80.000000' },
      after: { conversion: 'converted', decision: { revenue: '100.00', payout: '50.00' } },
    })
  })

  it('chooses groups anew, by what was a tag when the call ended', async () => {
    const byTag = group('*1', { id: 'us', filters: { tags: { geo: 'us' } } })
    const { differences } = await differencesUnder(byTag, long(60), group('*0.8'))
    expect(differences).toEqual([])
  })

  it('knows a conversion that would have come too late', async () => {
    const { differences } = await differencesUnder(
      long(60),
      group('*0.8', { late_limit_seconds: 5 }),
    )
    expect(differences).toMatchObject([{ callUuid: late, after: { conversion: 'not_converted' } }])
  })

  it('writes nothing: a transaction that may only read is enough for it', async () => {
    const { calls } = await database.transaction(async (db) => {
      await db.query('set transaction read only')
      const rulesFor = () => rulesWith(group('*0.1'))
      return rehearse(db, { ...range, rulesFor, onDifference: () => {} })
    })
    expect(calls).toBe(62)
  })
})

describe('bridgeback rehearse', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bridgeback-rehearse-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const { host, port, user, password = '', database: name } = database.connection
  const config = {
    databaseUrl: `postgresql://${user}:${password}@localhost/${name}?host=${encodeURIComponent(host)}&port=${port}`,
    dataDir: folder,
  }
  const file = join(folder, 'rules.yaml')
  const options = {
    campaign: 'solar',
    rules: file,
    since: range.since.toISOString(),
    until: range.until.toISOString(),
  }

  it('prints and exports the calls and the money that would differ', async () => {
    writeFileSync(
      file,
      JSON.stringify({ conversion_groups: [long(60), group('*0.8', { late_limit_seconds: 5 })] }),
    )
    const csv = join(folder, 'calls.csv')
    const lines = await rehearseFile(config, { ...options, export: csv })
    expect(lines).toEqual([
      `  ${late}: converted 50.00/40.00 -> not_converted (no_postback)`,
      '1 of 62 calls would differ.',
      expect.stringMatching(/^as it is: \d+ converted, revenue [\d.]+, payout [\d.]+$/) as string,
      expect.stringMatching(/^rehearsed: \d+ converted, revenue [\d.]+, payout [\d.]+$/) as string,
      'difference: revenue -50.00, payout -40.00',
    ])
    expect(readFileSync(csv, 'utf8').split('\n')[1]).toBe(
      `${late},converted,50.000000,40.000000,not_converted,,,no_postback`,
    )
  })

  it.each([
    [{ campaign: 'nowhere' }, 'There is no campaign nowhere'],
    [{ since: 'yesterday' }, 'is no time: write ISO 8601'],
  ])('says what to do about %j', async (wrong, message) => {
    await expect(rehearseFile(config, { ...options, ...wrong })).rejects.toThrow(message)
  })

  it('says what to do about a file without rules', async () => {
    writeFileSync(file, 'publishers: []')
    await expect(rehearseFile(config, options)).rejects.toThrow(
      /holds no conversion groups for solar/,
    )
  })
})
