import { readFile } from 'node:fs/promises'
import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { ledgerOf } from '../../src/cli/verify.ts'
import type { Database } from '../../src/db/queryable.ts'
import type { CampaignRules } from '../../src/domain/campaign.ts'
import type { PostbackConversion, PostbackGroup } from '../../src/domain/conversion-group.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import type { FlowDeps } from '../../src/flow/flow-deps.ts'
import { rehearse } from '../../src/flow/rehearse.ts'
import { countReplay, replay } from '../../src/flow/replay.ts'
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
const LATE_40 = 'late_conversion converted trigger 40.00 20.00'
const SOLD = 'settlement converted trigger 25.00 20.00'
const REVERSED = 'adjustment converted reversed 0.00 0.00'
const DUPLICATE = 'settlement not_converted duplicate_caller'

/** Converts at `sale=value`. */
const flat = (value: string, revenue: number) =>
  ({
    ...flatSale,
    name: value,
    trigger: `sale=${value}`,
    revenue: `${revenue}.00`,
  }) as PostbackConversion

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

/** What the dry run says that {@link replayed} would settle. */
const counted = async (deps: FlowDeps): Promise<number> =>
  (await countReplay(deps, { ...range(), version: 2, why: 'a trigger' })).differing

async function expectRightLedger(database: Database, deps: FlowDeps): Promise<void> {
  const source = { ...ledgerOf(database), campaignRules: deps.campaignRules }
  expect(await verifyLedger(source)).toMatchObject({ kind: 'right' })
}

/** How many days from now, by the test's clock, a call is said to have been settled. */
async function settledAtDay(database: Database, callUuid: string): Promise<number> {
  const { rows } = await database.query<{ days: number }>(
    `select round(extract(epoch from settled_at - now()) / 86400)::int days
       from calls where call_uuid = $1`,
    [callUuid],
  )
  return Math.abs(rows[0]?.days ?? Number.NaN)
}

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

  it('converts once by a replay of two calls, and it is the one that was posted first', async () => {
    const { database, deps } = await start(MISSPELT)
    const [second, first] = [await aTimedOutCall(deps), await aTimedOutCall(deps)]
    await post(deps, first, 'sale=true')
    await post(deps, second, 'sale=true')

    expect(await replayed(deps, 2)).toBe(1)
    expect(await ledger(database, first)).toEqual([NONE, LATE])
    expect(await ledger(database, second)).toEqual([NONE])
    expect(await queued(database, second)).not.toContain('converted')
    expect(await replayed(deps, 2)).toBe(0)
    expect(await ledger(database, second)).toEqual([NONE])
    await expectRightLedger(database, deps)
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

  it('has converted if that was decided live under rules that were right in it, however long ago', async () => {
    const { database, deps } = await start(MISSPELT)
    const live = await anEndedCall(deps, { callerNumber: CALLER })
    await post(deps, live, 'sale=yes&sale=true')
    const missed = await aTimedOutCall(deps)
    await post(deps, missed, 'sale=true')
    await database.setClock('30 days')
    expect(await counted(deps)).toBe(0)
    expect(await replayed(deps, 2)).toBe(0)
    expect(await ledger(database, live)).toEqual([SOLD])
    expect(await ledger(database, missed)).toEqual([NONE])
  })

  it('is paid for by the other call where the replay withdraws the conversion of one', async () => {
    const { database, deps } = await start(MISSPELT)
    const live = await anEndedCall(deps, { callerNumber: CALLER })
    await post(deps, live, 'sale=yes')
    const missed = await aTimedOutCall(deps)
    await post(deps, missed, 'sale=true')
    await database.setClock('30 days')
    expect(await counted(deps)).toBe(2)
    expect(await replayed(deps, 2)).toBe(2)
    expect(await ledger(database, live)).toEqual([SOLD, REVERSED])
    expect(await ledger(database, missed)).toEqual([NONE, LATE])
    expect(await counted(deps)).toBe(0)
    expect(await replayed(deps, 2)).toBe(0)
    await expectRightLedger(database, deps)
  })

  it('is paid for by the call that was refused because of a conversion that the replay withdraws', async () => {
    const { database, deps } = await start(MISSPELT)
    const wrong = await anEndedCall(deps, { callerNumber: CALLER })
    await post(deps, wrong, 'sale=yes')
    const refused = await anEndedCall(deps, { callerNumber: CALLER })
    const { reason } = await post(deps, refused, 'sale=yes&sale=true')
    expect(reason).toBe('duplicate_caller')
    await database.setClock('1 hour')
    expect(await replayed(deps, 2)).toBe(2)
    expect(await ledger(database, wrong)).toEqual([SOLD, REVERSED])
    expect(await ledger(database, refused)).toEqual([DUPLICATE, LATE])
    expect(await replayed(deps, 2)).toBe(0)
    await expectRightLedger(database, deps)
  })

  it('gets the conversion where the right rules would have seen it first', async () => {
    const { database, deps } = await start(MISSPELT)
    const missed = await aTimedOutCall(deps)
    await post(deps, missed, 'sale=true')
    await database.setClock('1 hour')
    const second = await anEndedCall(deps, { callerNumber: CALLER })
    await post(deps, second, 'sale=yes&sale=true')
    expect(await replayed(deps, 2)).toBe(2)
    expect(await ledger(database, missed)).toEqual([NONE, LATE])
    expect(await ledger(database, second)).toEqual([SOLD, REVERSED])
    expect(await replayed(deps, 2)).toBe(0)
  })

  it.each([
    { first: 0, second: 24 * HOUR, after: [SOLD, REVERSED], settled: 1 },
    { first: 24 * HOUR, second: 0, after: [DUPLICATE, LATE], settled: 1 },
  ])(
    'has the right window where $first s were wrong for $second s',
    async ({ first, second, after, settled }) => {
      const { database, deps } = await start(
        day({ dedupeSeconds: first }),
        day({ dedupeSeconds: second }),
      )
      const one = await anEndedCall(deps, { callerNumber: CALLER })
      const other = await anEndedCall(deps, { callerNumber: CALLER })
      await post(deps, one, 'sale=true')
      await post(deps, other, 'sale=true')
      expect(await replayed(deps, 2)).toBe(settled)
      expect(await ledger(database, one)).toEqual([SOLD])
      expect(await ledger(database, other)).toEqual(after)
      expect(await replayed(deps, 2)).toBe(0)
    },
  )

  it('keeps what stands outside the range of the replay', async () => {
    const { database, deps } = await start(MISSPELT)
    const live = await anEndedCall(deps, { callerNumber: CALLER })
    await post(deps, live, 'sale=yes')
    const missed = await aTimedOutCall(deps)
    await post(deps, missed, 'sale=true')
    await database.query(
      `update calls set started_at = started_at - interval '10 days' where call_uuid = $1`,
      [live],
    )
    expect(await replayed(deps, 2)).toBe(0)
    expect(await ledger(database, missed)).toEqual([NONE])
  })

  it('keeps a conversion while the right rules would wait still, and no second one beside it', async () => {
    const { database, deps } = await start(MISSPELT)
    const live = await anEndedCall(deps, { callerNumber: CALLER })
    await post(deps, live, 'sale=yes')
    const missed = await aTimedOutCall(deps)
    await post(deps, missed, 'sale=true')
    expect(await replayed(deps, 2)).toBe(0)
    await database.setClock('1 hour')
    expect(await replayed(deps, 2)).toBe(2)
    expect(await ledger(database, live)).toEqual([SOLD, REVERSED])
    expect(await ledger(database, missed)).toEqual([NONE, LATE])
  })

  it.each([
    { liveDay: 0, correctedAt: '3 hours', ledgerOf: [NONE], day: 0 },
    { liveDay: 0, correctedAt: '3 days', ledgerOf: [NONE, LATE_40], day: 3 },
    { liveDay: 3, correctedAt: '3 days', ledgerOf: [NONE, LATE_40], day: 0 },
  ])(
    'is judged by when it converted, not by a correction after $correctedAt, with a conversion on day $liveDay',
    async ({ liveDay, correctedAt, ledgerOf, day: settledDay }) => {
      const yes = flat('yes', 25)
      const right = day({ conversions: [yes, flat('true', 25), flat('up', 40)] })
      const { database, deps } = await start(day({ conversions: [yes] }), right)
      const live = await anEndedCall(deps, { callerNumber: CALLER })
      if (liveDay === 0) await post(deps, live, 'sale=yes')
      const late = await aTimedOutCall(deps)
      await post(deps, late, 'sale=true')
      await database.setClock(correctedAt)
      await post(deps, late, 'sale=up')
      if (liveDay === 3) await post(deps, live, 'sale=yes')
      expect(await replayed(deps, 2)).toBe(ledgerOf.length - 1)
      expect(await ledger(database, live)).toEqual([SOLD])
      expect(await ledger(database, late)).toEqual(ledgerOf)
      expect(await settledAtDay(database, late)).toBe(settledDay)
      expect(await replayed(deps, 2)).toBe(0)
    },
  )

  it('may convert today although an old call of its was replayed today', async () => {
    const { database, deps } = await start(MISSPELT)
    const old = await aTimedOutCall(deps)
    await post(deps, old, 'sale=true')
    await database.setClock('30 days')
    expect(await replayed(deps, 2)).toBe(1)
    expect(await settledAtDay(database, old)).toBe(0)
    const live = await anEndedCall(deps, { callerNumber: CALLER })
    expect(await post(deps, live, 'sale=yes')).toMatchObject({ status: 'converted' })
  })

  it('may convert today although an earlier build said that the old call was settled today', async () => {
    const { database, deps } = await start(MISSPELT)
    const old = await aTimedOutCall(deps)
    await post(deps, old, 'sale=true')
    await database.setClock('30 days')
    await replayed(deps, 2)
    await database.query('update calls set settled_at = app_now()')
    await database.query(await readFile('src/db/migrations/000160.sql', 'utf8'))
    expect(await settledAtDay(database, old)).toBe(0)
  })

  it('may convert after its conversion was withdrawn, and that call then not a second time', async () => {
    const { database, deps } = await start(MISSPELT)
    const wrong = await anEndedCall(deps, { callerNumber: CALLER })
    await post(deps, wrong, 'sale=yes')
    await database.setClock('1 hour')
    expect(await replayed(deps, 2)).toBe(1)
    const live = await anEndedCall(deps, { callerNumber: CALLER })
    expect(await post(deps, live, 'sale=yes')).toMatchObject({ status: 'converted' })
    const again = await post(deps, wrong, 'sale=true')
    expect(again).toMatchObject({ status: 'duplicate', reason: 'duplicate_caller' })
    expect(await ledger(database, wrong)).toEqual([SOLD, REVERSED])
  })

  it('converts by what is posted after its conversion was withdrawn, as of then', async () => {
    const { database, deps } = await start(MISSPELT)
    const wrong = await anEndedCall(deps, { callerNumber: CALLER })
    await post(deps, wrong, 'sale=yes')
    await database.setClock('1 hour')
    expect(await replayed(deps, 2)).toBe(1)
    await database.setClock('3 days')
    expect(await post(deps, wrong, 'reversed=true')).toMatchObject({ status: 'ignored' })
    expect(await post(deps, wrong, 'sale=true')).toMatchObject({ status: 'adjusted' })
    expect(await settledAtDay(database, wrong)).toBe(3)
    expect(await ledger(database, wrong)).toEqual([
      SOLD,
      REVERSED,
      'adjustment converted corrected 25.00 20.00',
    ])
    expect(await replayed(deps, 2)).toBe(0)
    await expectRightLedger(database, deps)
  })

  it('converts once where a postback and a replay meet', async () => {
    const { database, deps } = await start(MISSPELT)
    const missed = await aTimedOutCall(deps)
    await post(deps, missed, 'sale=true')
    const live = await anEndedCall(deps, { callerNumber: CALLER })
    await database.setClock('1 hour')
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
    expect(await replaying).toBe(2)
    expect(await ledger(database, missed)).toEqual([NONE, LATE])
    expect(await ledger(database, live)).toEqual([SOLD, REVERSED])
  })
})
