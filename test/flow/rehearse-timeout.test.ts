import { v7 as uuidv7 } from 'uuid'
import { expect, it } from 'vitest'
import type { CampaignRules } from '../../src/domain/campaign.ts'
import { endCalls } from '../../src/flow/end-call.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import { rehearse } from '../../src/flow/rehearse.ts'
import { replay } from '../../src/flow/replay.ts'
import { openTestDatabase } from '../support/database.ts'
import {
  aCampaign,
  anEndedCall,
  aPostbackGroup,
  beginCall,
  bridgeCall,
  flowOn,
  ledger,
  post,
  posted,
} from '../support/flow.ts'

const STRICT = aCampaign({ conversionGroups: [aPostbackGroup({ lateLimitSeconds: 0 })] })

const range = {
  campaignId: 'solar',
  since: new Date(Date.now() - 86_400_000),
  until: new Date(Date.now() + 86_400_000),
}

async function start(rules: CampaignRules) {
  const database = await openTestDatabase()
  const deps = await flowOn(database, rules)
  const wouldBe = async (others = rules): Promise<readonly (string | undefined)[]> => {
    const found: (string | undefined)[] = []
    await rehearse(database, {
      ...range,
      rulesFor: () => others,
      onDifference: ({ after }) => found.push(after.conversion, after.decision?.reason),
    })
    return found
  }
  return { database, deps, wouldBe }
}

it('what converted before the timeout was noticed has converted in time, then and now (B9)', async () => {
  const { database, deps, wouldBe } = await start(STRICT)
  const callUuid = await anEndedCall(deps)
  await database.setClock('660 seconds')
  expect((await post(deps, callUuid, 'revenue=10.00')).status).toBe('converted')
  await database.setClock('2 hours')
  expect(await wouldBe()).toEqual([])
  const wanted = { ...range, replayId: uuidv7(), version: 1, why: 'to see', madeBy: 'anna' }
  expect(await replay(deps, wanted)).toBe(0)
  expect(await ledger(database, callUuid)).toEqual([
    'settlement converted posted_revenue 10.00 8.00',
  ])
})

it('a call whose timeout has not been noticed yet waits in a rehearsal, too (B10)', async () => {
  const { database, deps, wouldBe } = await start(STRICT)
  await anEndedCall(deps)
  await database.setClock('660 seconds')
  expect(await wouldBe()).toEqual([])
  await expirePostbacks(deps)
  expect(await wouldBe()).toEqual([])
})

it('a correction after the timeout is too late to convert a call that nothing before it would (B11)', async () => {
  const { database, deps, wouldBe } = await start(STRICT)
  const callUuid = await anEndedCall(deps)
  await post(deps, callUuid, 'sale=true')
  await database.setClock('660 seconds')
  expect((await post(deps, callUuid, 'revenue=10.00')).status).toBe('adjusted')
  const without = aPostbackGroup({ lateLimitSeconds: 0, conversions: [posted('*0.8')] })
  expect(await wouldBe(aCampaign({ conversionGroups: [without] }))).toEqual([
    'not_converted',
    'no_postback',
  ])
})

it('a timeout that would be another is judged by the clock (B10)', async () => {
  const { database, deps, wouldBe } = await start(STRICT)
  const callUuid = await anEndedCall(deps)
  await database.setClock('300 seconds')
  await post(deps, callUuid, 'revenue=10.00')
  const within = (postbackTimeoutSeconds: number) =>
    aCampaign({
      conversionGroups: [aPostbackGroup({ lateLimitSeconds: 0, postbackTimeoutSeconds })],
    })
  expect(await wouldBe(within(200))).toEqual(['not_converted', 'no_postback'])
  expect(await wouldBe(within(400))).toEqual([])
})

it('what was applied last stands, though the clock was set back in between (B12)', async () => {
  const { database, deps, wouldBe } = await start(STRICT)
  const callUuid = await anEndedCall(deps)
  await database.setClock('300 seconds')
  await post(deps, callUuid, 'revenue=10.00')
  await database.setClock('100 seconds')
  await post(deps, callUuid, 'revenue=12.00')
  await post(deps, callUuid, 'revenue=12.00&txid=b')
  await database.setClock('50 seconds')
  expect((await post(deps, callUuid, 'revenue=10.00&txid=b')).reason).toBe('same_txid')
  expect(await wouldBe()).toEqual([])
})

it('tags that came before the end was stored choose the group, then and now (B13)', async () => {
  const vip = aPostbackGroup({
    groupId: 'vip',
    filters: { tags: { vip: '1' } },
    conversions: [posted('*0.1')],
  })
  const { deps, wouldBe } = await start(aCampaign({ conversionGroups: [vip, aPostbackGroup()] }))
  const facts = await beginCall(deps)
  await bridgeCall(deps, facts)
  await post(deps, facts.callUuid, 'vip=1')
  await endCalls(deps, [
    {
      callUuid: facts.callUuid,
      endedAtMs: performance.now() - 25_000,
      connectedMs: 60_000,
      totalMs: 70_000,
      hungUpBy: 'bridge',
      endReason: 'bridge_stopped',
      sipStatus: 200,
      legs: [],
    },
  ])
  expect((await post(deps, facts.callUuid, 'revenue=10.00')).payout).toBe('1.00')
  expect(await wouldBe()).toEqual([])
})
