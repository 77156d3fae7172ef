import { describe, expect, it } from 'vitest'
import { aBuyer, anEndedCall, beginCall, openFlow, post } from '../../support/flow.ts'
import { expirePostbacks } from '../../../src/flow/expire-postbacks.ts'
import { ADMIN_KEY, KEY, openTestServer } from '../support/server.ts'

interface Event {
  readonly at: string
  readonly event: string
  readonly [detail: string]: unknown
}

async function openTimeline() {
  const { database, deps } = await openFlow()
  const { app } = openTestServer({ database })
  const timeline = async (callUuid: string): Promise<readonly Event[]> => {
    const response = await app.inject({
      url: `/api/v1/calls/${callUuid}/timeline`,
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    })
    return response.json()
  }
  return { database, deps, timeline }
}

describe('GET /api/v1/calls/{uuid}/timeline', () => {
  it('tells a call from INVITE to its money, in order (B15)', async () => {
    const { deps, timeline } = await openTimeline()
    const callUuid = await anEndedCall(deps)
    await post(deps, callUuid, 'key=&revenue=10.00')
    const events = await timeline(callUuid)
    const causes = events
      .map(({ event }) => event)
      .filter((event) => !event.startsWith('delivery.'))
    expect(causes).toEqual([
      'call.begun',
      'leg.dialled',
      'leg.answered',
      'call.bridged',
      'call.ended',
      'call.waiting',
      'postback.received',
      'call.settled',
    ])
    expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted())
    expect(events.at(-3)).toMatchObject({
      event: 'call.settled',
      reason: 'posted_revenue',
      revenue: '10.00',
      payout: '8.00',
      steps: [
        'revenue 10.00 posted, settled as 10.00',
        '10 * 0.8 = 8',
        'rounded half away from zero to 8.00',
      ],
    })
    expect(events.slice(-2)).toMatchObject([
      { event: 'delivery.queued', trigger: 'converted' },
      { event: 'delivery.queued', trigger: 'finished' },
    ])
  })

  it('says in words why buyers were left out (B15)', async () => {
    const { deps, timeline } = await openTimeline()
    const leftOut = ['p', 'q'].map((buyerId) => aBuyer({ buyerId, paused: true }))
    const { callUuid } = await beginCall(deps, { leftOut })
    const events = await timeline(callUuid)
    const causes = events
      .map(({ event }) => event)
      .filter((event) => !event.startsWith('delivery.'))
    expect(causes).toEqual(['call.begun', 'buyers.left_out', 'leg.dialled'])
    expect(events[1]).toMatchObject({
      reason: 'paused',
      reason_in_words: 'The buyer is paused.',
      buyer_ids: ['p', 'q'],
    })
  })

  it('says in words why a call did not convert (B10, B15)', async () => {
    const { database, deps, timeline } = await openTimeline()
    const callUuid = await anEndedCall(deps)
    await database.setClock('11 minutes')
    await expirePostbacks(deps)
    const settled = (await timeline(callUuid)).find(({ event }) => event === 'call.settled')
    expect(settled).toMatchObject({
      conversion: 'not_converted',
      reason: 'no_postback',
      reason_in_words: 'No postback that converts came before the postback timeout.',
      revenue: null,
    })
  })

  it('tells what became of every request, with the key masked (B7, B14)', async () => {
    const { database, deps, timeline } = await openTimeline()
    const callUuid = await anEndedCall(deps)
    await database.query(
      `update deliveries set url = url || '&key=[call_key]', state = 'delivered',
              finished_at = app_now() + interval '2 seconds'
        where call_uuid = $1 and trigger = 'bridged'`,
      [callUuid],
    )
    await database.query(
      `insert into attempts
       values ($1, 'bridged', 0, 1, app_now() + interval '1 second', 'HEAD', 204, null, 12)`,
      [callUuid],
    )
    const events = await timeline(callUuid)
    const ping = events.filter(
      ({ event, trigger }) => event.startsWith('delivery') && trigger === 'bridged',
    )
    expect(ping).toMatchObject([
      { event: 'delivery.queued', url: expect.stringContaining('key=[call_key]') as string },
      { event: 'delivery.attempted', attempt: 1, method: 'HEAD', status: 204, duration_ms: 12 },
      { event: 'delivery.delivered', tracking_url_id: 'bridged' },
    ])
    expect(JSON.stringify(events)).not.toContain(KEY)
  })
})
