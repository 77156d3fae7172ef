import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import { receivePostbacks } from '../../src/flow/receive-postback.ts'
import {
  aCampaign,
  anEndedCall,
  aPostbackGroup,
  beginCall,
  bridgeCall,
  endCall,
  ledger,
  openFlow,
  post,
  posted,
  queued,
} from '../support/flow.ts'

const { database, deps } = await openFlow()
const outcomesOf = async (callUuid: string) => (await queued(database, callUuid)).slice(3)

describe('receivePostbacks', () => {
  it('makes fifty different values at once one conversion and 49 corrections (B12)', async () => {
    const call = await anEndedCall(deps)
    const values = Array.from({ length: 50 }, (_, index) => `${index + 1}.00`)
    const replies = await Promise.all(values.map((value) => post(deps, call, `revenue=${value}`)))
    const statuses = replies.map(({ status }) => status).toSorted()
    expect(statuses).toEqual([...Array<string>(49).fill('adjusted'), 'converted'])
    const entries = await ledger(database, call)
    expect(entries).toHaveLength(50)
    expect(entries[0]).toMatch(/^settlement converted posted_revenue /)
    const outcomes = (await outcomesOf(call)).toSorted()
    expect(outcomes).toEqual([...Array<string>(49).fill('adjusted'), 'converted', 'finished'])
    const last = replies.find(({ revenue }) => entries.at(-1)?.includes(` ${revenue} `))
    expect(last).toBeDefined()
  })

  it('keeps one for a call that still rings, and applies it once its buyer has the call (B9)', async () => {
    const { callUuid } = await beginCall(deps)
    expect(await post(deps, callUuid, 'revenue=1')).toMatchObject({
      status: 'pending',
      reason: 'call_in_progress',
    })
    await endCall(deps, callUuid, undefined)
    expect(await ledger(database, callUuid)).toEqual(['settlement not_converted not_connected'])
  })

  it('tells the buyer of a call that nobody answered that it is not theirs (B7)', async () => {
    const { callUuid } = await beginCall(deps)
    await endCall(deps, callUuid, undefined)
    expect(await post(deps, callUuid, 'revenue=1')).toMatchObject({
      httpStatus: 403,
      reason: 'leg_not_bridged',
    })
    expect(await ledger(database, callUuid)).toHaveLength(1)
  })

  it('makes tags of what the buyer that gets the call posts, also while it rings, and of nobody else (B7, B8)', async () => {
    const vip = aPostbackGroup({
      groupId: 'vip',
      filters: { tags: { vip: '1' } },
      conversions: [posted('*0.1')],
    })
    const campaign = aCampaign({ conversionGroups: [vip, aPostbackGroup()] })
    const grouped = { ...deps, campaignRules: async () => campaign }
    const payoutWhere = async (leg: number) => {
      const facts = await beginCall(grouped)
      const { callUuid } = facts
      await post(grouped, callUuid, 'vip=1&color=blue', leg)
      await bridgeCall(grouped, facts, 1)
      await post(grouped, callUuid, 'color=red')
      await endCall(grouped, callUuid)
      const { payout } = await post(grouped, callUuid, 'revenue=10.00')
      const { rows } = await database.query(`select tags from calls where call_uuid = $1`, [
        callUuid,
      ])
      return [payout, rows[0]?.['tags']]
    }
    expect(await payoutWhere(1)).toEqual(['1.00', { vip: '1', color: 'red' }])
    expect(await payoutWhere(2)).toEqual(['8.00', { color: 'red' }])
  })

  it('converts a call a month later, late (B11)', async () => {
    const call = await anEndedCall(deps)
    await database.setClock('31 days')
    while ((await expirePostbacks(deps)).isFull);
    expect(await post(deps, call, 'revenue=10')).toMatchObject({ status: 'converted' })
    expect((await ledger(database, call)).at(-1)).toMatch(/^late_conversion /)
    await database.setClock('0')
  })

  it.each([
    ['after the call', false],
    ['that came during it', true],
  ])(
    'knows a txid %s that was a repeat, and does not go back to its value (B12)',
    async (_, isEarly) => {
      const facts = await beginCall(deps)
      const { callUuid } = facts
      await bridgeCall(deps, facts)
      if (!isEarly) await endCall(deps, callUuid)
      await post(deps, callUuid, 'revenue=10.00')
      await post(deps, callUuid, 'revenue=10.00&txid=b')
      if (isEarly) await endCall(deps, callUuid)
      expect(await post(deps, callUuid, 'revenue=12.00&txid=c')).toMatchObject({
        status: 'adjusted',
      })
      expect(await post(deps, callUuid, 'revenue=10.00&txid=b')).toMatchObject({
        status: 'duplicate',
        reason: 'same_txid',
        revenue: '12.00',
      })
    },
  )

  it('applies nothing of a prefetch, and keeps it (B4, B15)', async () => {
    const callUuid = await anEndedCall(deps)
    const text = { query: 'revenue=10', body: '' }
    const request = { callUuid, leg: 1, text, source: '::1', isPrefetch: true } as const
    const [reply] = await receivePostbacks(deps, [{ ...request, method: 'GET' }])
    expect(reply).toMatchObject({ status: 'ignored', reason: 'prefetch', conversion: 'pending' })
  })

  it('tells the buyer of another leg nothing either by a prefetch (B7)', async () => {
    const callUuid = await anEndedCall(deps)
    await post(deps, callUuid, 'revenue=10.00')
    const text = { query: '', body: '' }
    const request = { callUuid, leg: 2, text, source: '::1', isPrefetch: true } as const
    const [reply] = await receivePostbacks(deps, [{ ...request, method: 'GET' }])
    expect(reply).toEqual({
      httpStatus: 403,
      status: 'refused',
      reason: 'leg_not_bridged',
      conversion: null,
      revenue: null,
      payout: null,
    })
  })

  it.each([
    ['constructor=x&toString=y&hasOwnProperty=z', 'pending'],
    [`${'x'.repeat(300)}=1&revenue=`, 'refused'],
    ['txid=%00&revenue=10', 'refused'],
    ['a=%F0%9F%98%80&b=%E2%80%AE&revenue=10', 'converted'],
    ['revenue=10&revenue=10', 'converted'],
    ['sale=true&sale=false', 'converted'],
  ])('takes %j without harm', async (query, status) => {
    const call = await anEndedCall(deps)
    expect(await post(deps, call, query)).toMatchObject({ status })
  })

  it('takes a batch apart where one call is not there, and answers the others', async () => {
    const call = await anEndedCall(deps)
    const [known, unknown] = await Promise.all([
      post(deps, call, 'revenue=10'),
      post(deps, uuidv7(), 'revenue=10'),
    ])
    expect([known.status, unknown.reason]).toEqual(['converted', 'unknown_call'])
  })
})
