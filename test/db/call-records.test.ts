import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { type CallFilters, findCall, listCalls } from '../../src/db/call-records.ts'
import { openTestDatabase } from '../support/database.ts'
import { aCampaign, anEndedCall, beginCall, bridgeCall, flowOn, post } from '../support/flow.ts'
import { planOf } from '../support/plan.ts'

describe('findCall', () => {
  it('gives the call with its money and the buyers that were tried', async () => {
    const db = await openTestDatabase()
    const deps = await flowOn(db)
    const callUuid = await anEndedCall(deps)
    await post(deps, callUuid, 'revenue=10.00&lead=7')

    expect(await findCall(db, callUuid)).toEqual({
      callUuid,
      state: 'ended',
      conversion: 'converted',
      reason: 'posted_revenue',
      campaignId: 'solar',
      publisherId: 'acme-media',
      subId: null,
      buyerId: 'solar-direct',
      callerNumber: '+12125550100',
      dialedNumber: '+18005550100',
      startedAt: expect.any(Date) as Date,
      answeredAt: expect.any(Date) as Date,
      endedAt: expect.any(Date) as Date,
      connectedMs: 60_000,
      totalMs: 70_000,
      hungUpBy: 'caller',
      endReason: 'caller_hung_up',
      sipStatus: 200,
      settleAt: expect.any(Date) as Date,
      settledAt: expect.any(Date) as Date,
      conversionName: 'posted',
      revenue: '10.00',
      payout: '8.00',
      currency: 'USD',
      postbackValue: '10.00',
      late: false,
      duplicate: false,
      tags: { lead: '7' },
      leftOut: [],
      legs: [expect.objectContaining({ leg: 1, buyerId: 'solar-direct', sipStatus: null })],
    })
  })

  it('writes amounts with as many digits as the currency of the rules has', async () => {
    const db = await openTestDatabase()
    const deps = await flowOn(db, aCampaign({ currency: 'JPY' }))
    await db.query(`alter table campaign_versions disable trigger append_only`)
    await db.query(`update campaign_versions set definition = '{"currency":"JPY"}'`)
    const callUuid = await anEndedCall(deps)
    await post(deps, callUuid, 'revenue=1000')
    expect(await findCall(db, callUuid)).toMatchObject({ revenue: '1000', payout: '800' })
  })

  it('gives nothing for a call that never was', async () => {
    const db = await openTestDatabase()
    expect(await findCall(db, uuidv7())).toBeUndefined()
  })
})

describe('listCalls', () => {
  async function threeCalls() {
    const db = await openTestDatabase()
    const deps = await flowOn(db)
    const ringing = await beginCall(deps, { callerNumber: '+12125550101' })
    const bridged = await beginCall(deps, { callerNumber: '+12125550102' })
    await bridgeCall(deps, bridged)
    const ended = await anEndedCall(deps, { callerNumber: '+12125550103' })
    const list = async (filters: CallFilters, limit = 10) =>
      (await listCalls(db, filters, limit)).map(({ callUuid }) => callUuid)
    return { db, list, ringing: ringing.callUuid, bridged: bridged.callUuid, ended }
  }

  it('gives the newest first, and no more than asked for', async () => {
    const { list, ringing, bridged, ended } = await threeCalls()
    expect(await list({})).toEqual([ended, bridged, ringing])
    expect(await list({}, 2)).toEqual([ended, bridged])
  })

  it('goes on before a call, and begins at one', async () => {
    const { list, ringing, bridged, ended } = await threeCalls()
    expect(await list({ beforeUuid: ended })).toEqual([bridged, ringing])
    expect(await list({ fromUuid: bridged })).toEqual([ended, bridged])
    expect(await list({ fromUuid: bridged, beforeUuid: ended })).toEqual([bridged])
  })

  it.each<[CallFilters, ('ringing' | 'bridged' | 'ended')[]]>([
    [{ state: 'ringing' }, ['ringing']],
    [{ buyerId: 'solar-direct' }, ['ended', 'bridged']],
    [{ buyerId: 'another' }, []],
    [{ callerNumber: '+12125550102' }, ['bridged']],
    [{ publisherId: 'acme-media', state: 'ended' }, ['ended']],
    [{ campaignId: 'solar' }, ['ended', 'bridged', 'ringing']],
    [{ campaignId: 'another' }, []],
  ])('filters by %o', async (filters, names) => {
    const { list, ...calls } = await threeCalls()
    expect(await list(filters)).toEqual(names.map((name) => calls[name]))
  })

  it('reads only the months that are asked for', async () => {
    const db = await openTestDatabase()
    await db.query(`select ensure_partitions('2026-01-01', '2026-06-30')`)
    const filters = {
      fromUuid: '019cabd8-3800-0000-0000-000000000000', // 2026-03-02
      beforeUuid: '019ccfe4-bc00-0000-0000-000000000000', // 2026-03-09
    }
    const plan = await planOf(db, (explained) => listCalls(explained, filters, 25))
    const read = new Set([...plan.matchAll(/ on (calls_\w+)/g)].map(([, name]) => name))
    expect([...read]).toEqual(['calls_2026_03'])
  })
})
