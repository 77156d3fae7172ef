import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { ledgerOf } from '../../src/cli/verify.ts'
import type { Database } from '../../src/db/queryable.ts'
import type { CampaignRules } from '../../src/domain/campaign.ts'
import type { PostbackConversion, PostbackGroup } from '../../src/domain/conversion-group.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import type { FlowDeps } from '../../src/flow/flow-deps.ts'
import { rehearse } from '../../src/flow/rehearse.ts'
import { replay } from '../../src/flow/replay.ts'
import { verifyLedger } from '../../src/flow/verify-ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import {
  aCampaign,
  anEndedCall,
  aPostbackGroup,
  flatSale,
  flowOn,
  ledger,
  post,
  queued,
} from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

const HOUR = 3_600
const day = (overrides: Partial<PostbackGroup> = {}): CampaignRules =>
  aCampaign({ conversionGroups: [aPostbackGroup({ dedupeSeconds: 24 * HOUR, ...overrides })] })
const RIGHT = day()
const misspelt = { ...flatSale, trigger: 'sale=yes' } as PostbackConversion
const MISSPELT = day({ conversions: [misspelt] })

const CALLER = '+12125550130'
const LATE = 'late_conversion converted trigger 25.00 20.00'
const NONE = 'settlement not_converted no_postback'

/** A campaign whose version 1 is `first`, and whose version 2 is what was meant. */
async function start(first: CampaignRules, second = RIGHT) {
  const database = await openTestDatabase()
  const deps = await flowOn(database, first)
  await database.query(`insert into campaign_versions values ('solar', 2, '{}')`)
  const versions = [first, second]
  const campaignRules = async (_: string, version: number) => versions[version - 1] ?? first
  return { database, deps: { ...deps, campaignRules } }
}

const replayed = (deps: FlowDeps, version: number): Promise<number> =>
  replay(deps, { ...range(), replayId: uuidv7(), version, why: 'a trigger', madeBy: 'anna' })

const range = () => ({
  campaignId: 'solar',
  since: new Date(Date.now() - 86_400_000),
  until: new Date(Date.now() + 60 * 86_400_000),
})

async function differing(database: Database, rules: CampaignRules): Promise<number> {
  const options = { ...range(), rulesFor: () => rules, onDifference: () => {} }
  return (await rehearse(database, options)).differing
}

/** A call of the same caller that has ended and been given up. */
async function aTimedOutCall(deps: FlowDeps): Promise<string> {
  const callUuid = await anEndedCall(deps, { callerNumber: CALLER })
  await deps.database.query(
    `update calls set settle_at = ended_at - interval '1 s', ended_at = ended_at - interval '601 s'
      where call_uuid = $1`,
    [callUuid],
  )
  await expirePostbacks(deps)
  return callUuid
}

describe('a caller that may convert once (B13)', () => {
  it('is not paid for by a replay where a late postback was refused', async () => {
    const { database, deps } = await start(RIGHT)
    const first = await anEndedCall(deps, { callerNumber: CALLER })
    const second = await aTimedOutCall(deps)
    await post(deps, first, 'revenue=10.00')
    expect((await post(deps, second, 'revenue=10.00')).reason).toBe('duplicate_caller')

    expect(await differing(database, RIGHT)).toBe(0)
    expect(await replayed(deps, 1)).toBe(0)
    expect(await ledger(database, second)).toEqual([NONE])
  })

  it('keeps a conversion that came when the window was over, although one before it was refused', async () => {
    const { database, deps } = await start(day({ dedupeSeconds: HOUR }))
    const first = await anEndedCall(deps, { callerNumber: CALLER })
    const second = await aTimedOutCall(deps)
    await post(deps, first, 'revenue=10.00')
    await post(deps, second, 'revenue=10.00')
    await database.setClock('2 hours')
    expect((await post(deps, second, 'revenue=10.00')).status).toBe('converted')

    expect(await differing(database, day({ dedupeSeconds: HOUR }))).toBe(0)
    expect(await replayed(deps, 1)).toBe(0)
  })

  it('converts once by a replay of two calls, and it is the first', async () => {
    const { database, deps } = await start(MISSPELT)
    const [first, second] = [await aTimedOutCall(deps), await aTimedOutCall(deps)]
    await post(deps, second, 'sale=true')
    await post(deps, first, 'sale=true')

    expect(await replayed(deps, 2)).toBe(1)
    expect(await ledger(database, first)).toEqual([NONE, LATE])
    expect(await ledger(database, second)).toEqual([NONE])
    expect(await queued(database, second)).not.toContain('converted')
    expect(await replayed(deps, 2)).toBe(0)
    expect(await ledger(database, second)).toEqual([NONE])
    const source = { ...ledgerOf(database), campaignRules: deps.campaignRules }
    expect(await verifyLedger(source)).toMatchObject({ kind: 'right' })
  })

  it.each([
    { after: '1430 minutes', settled: 1 },
    { after: '1450 minutes', settled: 2 },
  ])(
    'has its window judged by when the calls happened: $settled of two, $after apart',
    async ({ after, settled }) => {
      const { database, deps } = await start(MISSPELT)
      await post(deps, await aTimedOutCall(deps), 'sale=true')
      await database.setClock(after)
      await post(deps, await aTimedOutCall(deps), 'sale=true')
      await database.setClock('30 days')
      expect(await replayed(deps, 2)).toBe(settled)
    },
  )

  it('has converted if that was decided live, however long ago', async () => {
    const { database, deps } = await start(MISSPELT)
    const live = await anEndedCall(deps, { callerNumber: CALLER })
    await post(deps, live, 'sale=yes')
    const missed = await aTimedOutCall(deps)
    await post(deps, missed, 'sale=true')
    await database.setClock('30 days')
    await replayed(deps, 2)
    expect(await ledger(database, missed)).toEqual([NONE])
  })

  it('converts once where a postback and a replay meet', async () => {
    const { database, deps } = await start(MISSPELT)
    const missed = await aTimedOutCall(deps)
    await post(deps, missed, 'sale=true')
    const live = await anEndedCall(deps, { callerNumber: CALLER })
    const decided = Promise.withResolvers<void>()
    const committed = Promise.withResolvers<void>()
    const transaction: Database['transaction'] = (work, options) =>
      database.transaction(async (db) => {
        const result = await work(db)
        decided.resolve()
        await committed.promise
        return result
      }, options)
    const posting = post({ ...deps, database: { ...database, transaction } }, live, 'sale=yes')
    await decided.promise
    const replaying = replayed(deps, 2)
    const isWaiting = async () =>
      (await database.query(`select from pg_locks where not granted`)).rows.length > 0
    await waitFor(isWaiting, { what: 'the replay to wait for the caller' }).finally(
      committed.resolve,
    )
    expect((await posting).status).toBe('converted')
    await replaying
    expect(await ledger(database, missed)).toEqual([NONE])
  })
})
