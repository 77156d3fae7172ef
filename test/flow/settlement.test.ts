import { describe, expect, it } from 'vitest'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import { createSteps } from '../../src/flow/steps.ts'
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
import { waitFor } from '../support/wait.ts'

const BEFORE_THE_END = ['start', 'selected', 'bridged']

describe('a call that waits for a postback', () => {
  it('holds its outcome URLs while the decision is open (B8)', async () => {
    const { database, deps } = await openFlow()
    const call = await anEndedCall(deps)
    expect(await expirePostbacks(deps)).toEqual({ settled: 0, isFull: false })
    expect(await queued(database, call)).toEqual(BEFORE_THE_END)
  })

  it('converts with a posted revenue and pays *0.8 of it (B4, B5, B9)', async () => {
    const { database, deps } = await openFlow()
    const call = await anEndedCall(deps)
    expect(await post(deps, call, 'revenue=10.00')).toEqual({
      httpStatus: 200,
      status: 'converted',
      reason: 'posted_revenue',
      conversion: 'converted',
      revenue: '10.00',
      payout: '8.00',
    })
    expect(await queued(database, call)).toEqual([...BEFORE_THE_END, 'converted', 'finished'])
  })

  it('converts with fixed amounts when the trigger string is posted (B6)', async () => {
    const { deps } = await openFlow()
    const call = await anEndedCall(deps)
    expect(await post(deps, call, 'x=1&resale=true&revenue=99')).toMatchObject({
      reason: 'trigger',
      revenue: '25.00',
      payout: '20.00',
    })
  })

  it('keeps data that triggers nothing as tags and goes on waiting (B8)', async () => {
    const { database, deps } = await openFlow()
    const call = await anEndedCall(deps)
    expect(await post(deps, call, 'stage=quoted&key=')).toMatchObject({
      status: 'pending',
      reason: 'no_trigger',
    })
    const { rows } = await database.query('select tags, conversion from calls')
    expect(rows).toEqual([{ tags: { stage: 'quoted' }, conversion: 'pending' }])
  })

  it('is not converted at its timeout, with null amounts, and not a second before (B10)', async () => {
    const { database, deps } = await openFlow()
    const call = await anEndedCall(deps)
    await database.setClock('599 seconds')
    expect((await expirePostbacks(deps)).settled).toBe(0)
    await database.setClock('601 seconds')
    expect((await expirePostbacks(deps)).settled).toBe(1)
    expect((await expirePostbacks(deps)).settled).toBe(0)
    expect(await ledger(database, call)).toEqual(['settlement not_converted no_postback'])
    expect(await queued(database, call)).toEqual([...BEFORE_THE_END, 'not_converted', 'finished'])
  })

  it('still converts after that, firing the conversion URLs alone (B11)', async () => {
    const { database, deps } = await openFlow()
    const call = await anEndedCall(deps)
    await database.setClock('601 seconds')
    await expirePostbacks(deps)
    expect(await post(deps, call, 'revenue=10')).toMatchObject({ status: 'converted' })
    expect(await ledger(database, call)).toEqual([
      'settlement not_converted no_postback',
      'late_conversion converted posted_revenue 10.00 8.00',
    ])
    expect((await queued(database, call)).slice(3)).toEqual([
      'not_converted',
      'finished',
      'converted',
    ])
    const { rows } = await database.query(
      `select url from deliveries where trigger = 'converted' and url like '%late=true'`,
    )
    expect(rows).toHaveLength(1)
  })

  it('refuses a conversion after the limit for late ones (B11)', async () => {
    const group = aPostbackGroup({ lateLimitSeconds: 60 })
    const { database, deps } = await openFlow(aCampaign({ conversionGroups: [group] }))
    const call = await anEndedCall(deps)
    await database.setClock('661 seconds')
    await expirePostbacks(deps)
    expect(await post(deps, call, 'revenue=10')).toMatchObject({
      httpStatus: 410,
      status: 'too_late',
    })
  })

  it('refuses a late conversion too where nothing was waited for (B11)', async () => {
    const group = aPostbackGroup({ postbackTimeoutSeconds: 0, lateLimitSeconds: 60 })
    const { database, deps } = await openFlow(aCampaign({ conversionGroups: [group] }))
    const call = await anEndedCall(deps)
    await database.setClock('61 seconds')
    expect(await post(deps, call, 'revenue=10')).toMatchObject({ status: 'too_late' })
  })

  it('is decided at hang-up where the timeout is 0 (B8)', async () => {
    const group = aPostbackGroup({ postbackTimeoutSeconds: 0 })
    const { database, deps } = await openFlow(aCampaign({ conversionGroups: [group] }))
    const call = await anEndedCall(deps)
    expect(await ledger(database, call)).toEqual(['settlement not_converted no_postback'])
  })
})

describe('a postback during the call', () => {
  it('is kept, and applied at hang-up (B9)', async () => {
    const { database, deps } = await openFlow()
    const facts = await beginCall(deps)
    await bridgeCall(deps, facts)
    expect(await post(deps, facts.callUuid, 'revenue=10.00')).toMatchObject({
      status: 'pending',
      reason: 'call_in_progress',
      conversion: 'undecided',
    })
    await endCall(deps, facts.callUuid)
    expect(await ledger(database, facts.callUuid)).toEqual([
      'settlement converted posted_revenue 10.00 8.00',
    ])
  })

  it('of a buyer that did not get the call is refused once another has it (B7)', async () => {
    const { deps } = await openFlow()
    const facts = await beginCall(deps)
    await bridgeCall(deps, facts, 2)
    await post(deps, facts.callUuid, 'revenue=55.00', 2)
    await endCall(deps, facts.callUuid)
    expect(await post(deps, facts.callUuid, 'revenue=10.00', 1)).toEqual({
      httpStatus: 403,
      status: 'refused',
      reason: 'leg_not_bridged',
      conversion: null,
      revenue: null,
      payout: null,
    })
  })

  it('is applied in the order of the database, whatever the ids of two processes say (B9)', async () => {
    const { database, deps } = await openFlow()
    const facts = await beginCall(deps)
    await bridgeCall(deps, facts)
    await post(deps, facts.callUuid, 'revenue=10.00')
    await post(deps, facts.callUuid, 'revenue=12.00')
    // As if the process that took the second one had a clock that is an hour behind.
    await database.query('alter table postbacks disable trigger user')
    await database.query(
      `update postbacks set postback_id = '01890a5d-ac96-774b-bcce-b302099a8057',
              received_at = received_at + interval '1 second' where revenue_text = '12.00'`,
    )
    await endCall(deps, facts.callUuid)
    expect(await ledger(database, facts.callUuid)).toEqual([
      'settlement converted posted_revenue 10.00 8.00',
      'adjustment converted corrected 12.00 9.60',
    ])
  })

  it('that came while it rang counts if that buyer answered', async () => {
    const { database, deps } = await openFlow()
    const facts = await beginCall(deps)
    await post(deps, facts.callUuid, 'revenue=10.00', 1)
    await post(deps, facts.callUuid, 'revenue=77.00', 2)
    await bridgeCall(deps, facts, 1)
    await endCall(deps, facts.callUuid)
    expect(await ledger(database, facts.callUuid)).toEqual([
      'settlement converted posted_revenue 10.00 8.00',
    ])
  })
})

describe('a value after conversion (B12)', () => {
  it.each([
    ['the same value', 'revenue=10.0', 'duplicate', 'same_value', ['10.00 8.00']],
    ['the same txid', 'revenue=12&txid=a', 'duplicate', 'same_txid', ['10.00 8.00']],
    ['another value', 'revenue=12', 'adjusted', 'corrected', ['10.00 8.00', '12.00 9.60']],
    ['a reversal', 'reversed=true', 'adjusted', 'reversed', ['10.00 8.00', '0.00 0.00']],
    ['zero', 'revenue=0', 'adjusted', 'reversed', ['10.00 8.00', '0.00 0.00']],
    ['nothing of value', 'x=1', 'ignored', 'no_trigger', ['10.00 8.00']],
  ])('%s', async (_, query, status, reason, amounts) => {
    const { database, deps } = await openFlow()
    const call = await anEndedCall(deps)
    await post(deps, call, 'revenue=10.00&txid=a')
    expect(await post(deps, call, query)).toMatchObject({ httpStatus: 200, status, reason })
    const settled = await ledger(database, call)
    expect(settled.map((line) => line.split(' ').slice(-2).join(' '))).toEqual(amounts)
    const adjusted = (await queued(database, call)).filter((trigger) => trigger === 'adjusted')
    expect(adjusted).toHaveLength(amounts.length - 1)
  })

  it.each([
    ['first', 200, 'ignored', 'first_value_kept'],
    ['reject', 409, 'rejected', 'repeat_rejected'],
  ] as const)('is kept out by the policy %s', async (policy, httpStatus, status, reason) => {
    const group = aPostbackGroup({ conversions: [posted('', policy)] })
    const { deps } = await openFlow(aCampaign({ conversionGroups: [group] }))
    const call = await anEndedCall(deps)
    await post(deps, call, 'revenue=10.00')
    expect(await post(deps, call, 'revenue=12.00')).toEqual({
      httpStatus,
      status,
      reason,
      conversion: 'converted',
      revenue: '10.00',
      payout: '10.00',
    })
  })

  it('fifty equal ones at once make one conversion and one set of URLs', async () => {
    const { database, deps } = await openFlow()
    const call = await anEndedCall(deps)
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => post(deps, call, 'revenue=10.00')),
    )
    const statuses = replies.map(({ status }) => status).toSorted()
    expect(statuses).toEqual(['converted', ...Array<string>(49).fill('duplicate')])
    expect(await ledger(database, call)).toHaveLength(1)
    expect((await queued(database, call)).slice(3)).toEqual(['converted', 'finished'])
  })
})

describe('choosing the conversion group (B13)', () => {
  const duration = {
    kind: 'duration',
    groupId: 'long-calls',
    filters: {},
    dedupeSeconds: 0,
    conversions: [
      { name: '60s', connectedSecondsMin: 60, revenue: '12.00', payout: '6.00' },
      { name: '90s', connectedSecondsMin: 90, revenue: '20.00', payout: '10.00' },
    ],
  } as const

  it.each([
    [90_000, 'settlement converted duration 20.00 10.00'],
    [89_999, 'settlement converted duration 12.00 6.00'],
    [59_999, 'settlement not_converted too_short'],
  ])('after %i ms a duration group decides: %s', async (connectedMs, line) => {
    const { database, deps } = await openFlow(aCampaign({ conversionGroups: [duration] }))
    const call = await anEndedCall(deps, { connectedMs })
    expect(await ledger(database, call)).toEqual([line])
  })

  it('takes the first whose filters match, even when its criteria then fail', async () => {
    const other = aPostbackGroup({ groupId: 'other', filters: { buyerId: 'somebody-else' } })
    const { database, deps } = await openFlow(
      aCampaign({ conversionGroups: [other, duration, aPostbackGroup()] }),
    )
    const call = await anEndedCall(deps, { connectedMs: 1_000 })
    expect(await ledger(database, call)).toEqual(['settlement not_converted too_short'])
  })

  it('a call that no buyer answered is not converted at hang-up', async () => {
    const { database, deps } = await openFlow()
    const { callUuid } = await beginCall(deps)
    await endCall(deps, callUuid, undefined)
    expect(await ledger(database, callUuid)).toEqual(['settlement not_converted not_connected'])
  })

  it('a call without a group is not converted at hang-up', async () => {
    const { database, deps } = await openFlow(aCampaign({ conversionGroups: [] }))
    const call = await anEndedCall(deps)
    expect(await ledger(database, call)).toEqual(['settlement not_converted no_conversion_group'])
    expect(await post(deps, call, 'revenue=1')).toMatchObject({
      status: 'ignored',
      reason: 'no_conversion_group',
    })
  })

  it("a caller's second conversion inside the window earns nothing, at once or later", async () => {
    const group = aPostbackGroup({ dedupeSeconds: 3600 })
    const { database, deps } = await openFlow(aCampaign({ conversionGroups: [group] }))
    const calls = await Promise.all([anEndedCall(deps), anEndedCall(deps), anEndedCall(deps)])
    const replies = await Promise.all(calls.map((call) => post(deps, call, 'revenue=10')))
    expect(replies.map(({ status }) => status).toSorted()).toEqual([
      'converted',
      'duplicate',
      'duplicate',
    ])
    const other = await anEndedCall(deps, { callerNumber: '+12125550111' })
    expect(await post(deps, other, 'revenue=10')).toMatchObject({ status: 'converted' })
    await database.setClock('2 hours')
    const later = await anEndedCall(deps)
    expect(await post(deps, later, 'revenue=10')).toMatchObject({ status: 'converted' })
  })
})

describe('the ledger', () => {
  it('cannot be changed or emptied by a row', async () => {
    const { database, deps } = await openFlow()
    await post(deps, await anEndedCall(deps), 'revenue=10')
    await expect(database.query('update settlements set revenue = 99')).rejects.toThrow(
      /append-only/,
    )
    await expect(database.query('delete from settlements')).rejects.toThrow(/append-only/)
  })

  it('never goes back in time within a call, though the clock does', async () => {
    const { database, deps } = await openFlow()
    const call = await anEndedCall(deps)
    await post(deps, call, 'revenue=10')
    await database.setClock('-10 minutes')
    await post(deps, call, 'revenue=11')
    const { rows } = await database.query(
      `select bool_and(later.decided_at >= earlier.decided_at) "inOrder"
         from settlements earlier join settlements later using (call_uuid)
        where later.revision = 2 and earlier.revision = 1`,
    )
    expect(rows).toEqual([{ inOrder: true }])
  })

  it('keeps the time of the conversion when the value is corrected, for reports and dedupe', async () => {
    const group = aPostbackGroup({ dedupeSeconds: 60 })
    const { database, deps } = await openFlow(aCampaign({ conversionGroups: [group] }))
    const call = await anEndedCall(deps)
    await post(deps, call, 'revenue=10')
    await database.setClock('50 seconds')
    await post(deps, call, 'revenue=11')
    await database.setClock('70 seconds')
    const again = await anEndedCall(deps)
    expect(await post(deps, again, 'revenue=10')).toMatchObject({ status: 'converted' })
  })

  it('refuses NaN as an amount', async () => {
    const { database, deps } = await openFlow()
    await anEndedCall(deps)
    await expect(
      database.query(
        `update calls set conversion = 'converted', settled_at = now(), revenue = 'NaN', payout = 0`,
      ),
    ).rejects.toThrow(/check constraint/)
  })
})

it('refuses an amount that there is no room for, and stores that (B4, B15)', async () => {
  const { database, deps } = await openFlow()
  const call = await anEndedCall(deps)
  expect(await post(deps, call, 'revenue=999999999999.999')).toMatchObject({
    httpStatus: 400,
    reason: 'amount_too_large',
    conversion: 'pending',
  })
  const { rows } = await database.query('select reason, conversion from postbacks')
  expect(rows).toEqual([{ reason: 'amount_too_large', conversion: 'pending' }])
})

it('keeps a request that was turned away with the state that the call has (B15)', async () => {
  const { database, deps } = await openFlow()
  const callUuid = await anEndedCall(deps)
  const steps = createSteps(deps, new AbortController().signal)
  const text = { query: 'key=', body: '' }
  const refusal = { text, source: '::1', method: 'GET', httpStatus: 403, reason: 'wrong_key' }
  steps.recordRefusal({ callUuid, ...refusal })
  const rows = await waitFor(
    async () => {
      const found = await database.query('select reason, conversion from postbacks')
      return found.rows.length > 0 && found.rows
    },
    { what: 'the refusal to be stored' },
  )
  expect(rows).toEqual([{ reason: 'wrong_key', conversion: 'pending' }])
})

it('answers a postback for a call that is not there without storing anything', async () => {
  const { database, deps } = await openFlow()
  const reply = await post(deps, '019f2d6e-0000-7000-8000-000000000001', 'revenue=10')
  expect(reply).toMatchObject({ httpStatus: 404, reason: 'unknown_call' })
  expect((await database.query('select from postbacks')).rows).toEqual([])
})
