import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../support/database.ts'
import { aBuyer, aCampaign, anEndedCall, beginCall, flowOn, post } from '../../support/flow.ts'
import type { HttpDeps } from '../../../src/http/server.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const headers = { authorization: `Bearer ${ADMIN_KEY}` }

async function openApi() {
  const database = await openTestDatabase()
  return { deps: await flowOn(database), get: getFrom({ database }) }
}

/** Without a database of its own, requests fail that ask one. */
function getFrom(overrides: Partial<HttpDeps> = {}) {
  const { app } = openTestServer(overrides)
  return (path: string) => app.inject({ url: `/api/v1${path}`, headers })
}

const uuidsOf = (response: { json: () => unknown }) =>
  (response.json() as { uuid: string }[]).map(({ uuid }) => uuid)

describe('GET /api/v1/calls/{uuid}', () => {
  it('gives a call with the fields of the interface, amounts as text', async () => {
    const { deps, get } = await openApi()
    const callUuid = await anEndedCall(deps)
    await post(deps, callUuid, 'revenue=10.00')
    const response = await get(`/calls/${callUuid.replaceAll('-', '').toUpperCase()}`)
    expect(response.statusCode).toBe(200)
    const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string
    expect(response.json()).toEqual({
      uuid: callUuid,
      state: 'ended',
      conversion: 'converted',
      reason: 'posted_revenue',
      campaign_id: 'solar',
      publisher_id: 'acme-media',
      sub_id: null,
      buyer_id: 'solar-direct',
      caller_number: '+12125550100',
      dialed_number: '+18005550100',
      started_at: instant,
      answered_at: instant,
      ended_at: instant,
      connected_seconds: 60,
      total_seconds: 70,
      hung_up_by: 'caller',
      end_reason: 'caller_hung_up',
      sip_status: 200,
      settle_at: instant,
      settled_at: instant,
      conversion_name: 'posted',
      currency: 'USD',
      revenue: '10.00',
      payout: '8.00',
      postback_value: '10.00',
      late: false,
      duplicate: false,
      tags: {},
      legs: [
        {
          leg: 1,
          buyer_id: 'solar-direct',
          endpoint: 'sip:buyer@127.0.0.1',
          dialled_at: instant,
          ringing_at: null,
          answered_at: instant,
          ended_at: null,
          sip_status: null,
          fault: null,
          reason: null,
        },
      ],
      left_out: [],
    })
  })

  it('names the buyers that were left out, with the reason in words (B15)', async () => {
    const { deps, get } = await openApi()
    const { callUuid } = await beginCall(deps, {
      leftOut: [aBuyer({ buyerId: 'p', paused: true })],
    })
    expect((await get(`/calls/${callUuid}`)).json()).toMatchObject({
      left_out: [
        {
          reason: 'paused',
          reason_in_words: 'The buyer is paused.',
          buyer_ids: ['p'],
          count: 1,
          at: expect.any(String) as string,
        },
      ],
    })
  })

  it('has no money before there is a decision, not zero', async () => {
    const { deps, get } = await openApi()
    const { callUuid } = await beginCall(deps)
    expect((await get(`/calls/${callUuid}`)).json()).toMatchObject({
      state: 'ringing',
      conversion: 'undecided',
      revenue: null,
      payout: null,
      connected_seconds: null,
    })
  })

  it('says in which currency its amounts are, with as many decimals as that has', async () => {
    const database = await openTestDatabase()
    const deps = await flowOn(database, aCampaign({ campaignId: 'usual' }))
    await database.query(`insert into campaign_versions values ('solar', 1, '{"currency":"JPY"}')`)
    const callUuid = await anEndedCall({ ...deps, campaignRules: async () => aCampaign() })
    await post(deps, callUuid, 'revenue=1000')
    const answer = await getFrom({ database })(`/calls/${callUuid}`)
    expect(answer.json()).toMatchObject({ currency: 'JPY', revenue: '1000' })
  })

  it.each([uuidv7(), 'x', `${uuidv7()}/timeline`, 'x/timeline'])(
    'has nothing at %s',
    async (path) => {
      const { get } = await openApi()
      const response = await get(`/calls/${path}`)
      expect([response.statusCode, response.json()]).toMatchObject([404, { code: 'not_found' }])
    },
  )
})

describe('GET /api/v1/calls', () => {
  it('gives pages of 25, each with a link to the next, and every call once', async () => {
    const { deps, get } = await openApi()
    const begun = []
    for (let count = 0; count < 51; count += 1) begun.push((await beginCall(deps)).callUuid)
    const pages = []
    for (let path: string | undefined = '/calls?state=ringing'; path !== undefined;) {
      const response = await get(path)
      pages.push(uuidsOf(response))
      const link = String(response.headers.link ?? '')
      path = /^<\/api\/v1(\/calls\?state=ringing&before=[^>]+)>; rel="next"$/.exec(link)?.[1]
    }
    expect(pages.map((page) => page.length)).toEqual([25, 25, 1])
    expect(pages.flat()).toEqual(begun.toReversed())
  })

  it('gives no link where the last page is full', async () => {
    const { deps, get } = await openApi()
    await beginCall(deps)
    const response = await get('/calls?limit=1')
    expect(uuidsOf(response)).toHaveLength(1)
    expect(response.headers.link).toBeUndefined()
  })

  it('filters by campaign, publisher, buyer, caller, state and time', async () => {
    const { deps, get } = await openApi()
    await anEndedCall(deps)
    const counts: [query: string, count: number][] = [
      ['campaign=solar', 1],
      ['campaign=another', 0],
      ['publisher=acme-media', 1],
      ['buyer=solar-direct', 1],
      ['buyer=another', 0],
      ['caller=%2B12125550100', 1],
      ['caller=+12125550100', 1],
      ['caller=12125550199', 0],
      ['state=ended', 1],
      ['state=ringing', 0],
      ['created_from=2026-01-01', 1],
      ['created_from=2100-01-01T00:00:00Z', 0],
      ['created_to=2026-01-01T00:00:00%2B02:00', 0],
      ['created_to=2100-01-01', 1],
      ['created_to=2026-01-01&before=ffffffff-ffff-7fff-bfff-ffffffffffff', 0],
      ['created_to=2100-01-01&before=00000000-0000-7000-8000-000000000000', 0],
    ]
    const found: typeof counts = []
    for (const [query] of counts) found.push([query, uuidsOf(await get(`/calls?${query}`)).length])
    expect(found).toEqual(counts)
  })

  it.each([
    ['limit=201', 'limit'],
    ['limit=0', 'limit'],
    ['limit=x', 'limit'],
    ['state=unknown', 'state'],
    ['state=ended&state=ringing', 'state'],
    ['created_from=yesterday', 'created_from'],
    ['before=x', 'before'],
    ['caller=anonymous', 'caller'],
    ['unknown=1', ''],
  ])('refuses %s and names it', async (query, path) => {
    const response = await getFrom()(`/calls?${query}`)
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ code: 'invalid_query', problems: [{ path }] })
  })
})

describe('GET /api/v1/{postbacks,settlements,deliveries}?call=', () => {
  it('gives what belongs to one call', async () => {
    const { deps, get } = await openApi()
    const callUuid = await anEndedCall(deps)
    await post(deps, callUuid, 'revenue=10.00')
    expect((await get(`/postbacks?call=${callUuid}`)).json()).toMatchObject([
      { query: 'revenue=10.00', status: 'converted', http_status: 200, state: 'converted' },
    ])
    expect((await get(`/settlements?call=${callUuid}`)).json()).toMatchObject([
      { revision: 1, revenue: '10.00', payout: '8.00', reason: 'posted_revenue' },
    ])
    const deliveries = (await get(`/deliveries?call=${callUuid}`)).json<{ id: string }[]>()
    expect(deliveries.map(({ id }) => id).sort()).toEqual(
      ['bridged_0', 'converted_1', 'finished_1', 'selected_1', 'start_0'].map(
        (name) => `${callUuid.replaceAll('-', '')}_${name}`,
      ),
    )
  })

  it('looks through the last 31 days for a publisher or a buyer, unless it is told from when', async () => {
    const database = await openTestDatabase()
    await flowOn(database)
    const get = getFrom({ database })
    const DAY_MS = 86_400_000
    const daysAgo = (days: number) => Date.now() - days * DAY_MS
    const at = (days: number) => encodeURIComponent(new Date(daysAgo(days)).toISOString())
    const [recent, old] = [30, 32].map((days) => uuidv7({ msecs: daysAgo(days) }))
    await database.query(
      `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, buyer_id,
                          caller_number, dialed_number, sip_call_id, started_at)
       select each, each, 'solar', 1, 'acme', 'solar-direct', '+12125550100', '+18005550100', 'a@b', now()
         from unnest($1::uuid[]) each`,
      [[recent, old]],
    )

    for (const [query, found] of [
      ['', [recent, old]],
      ['campaign=solar', [recent, old]],
      ['publisher=acme', [recent]],
      ['buyer=solar-direct', [recent]],
      ['buyer=solar-direct&caller=%2B12125550100', [recent, old]],
      [`buyer=solar-direct&created_from=${at(40)}`, [recent, old]],
      [`publisher=acme&created_to=${at(31)}`, [old]],
    ] as const) {
      expect([query, uuidsOf(await get(`/calls?${query}`))]).toEqual([query, found])
    }
  })

  it.each(['postbacks', 'settlements', 'deliveries'])('wants a call for %s', async (path) => {
    const get = getFrom()
    expect((await get(`/${path}`)).statusCode).toBe(400)
    expect((await get(`/${path}?call=x`)).json()).toMatchObject({ problems: [{ path: 'call' }] })
  })

  it('answers 503 with Retry-After while the database is away', async () => {
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    const { app, logLines } = openTestServer({
      database: {
        query: () => Promise.reject(refused),
        transaction: () => Promise.reject(refused),
        close: () => Promise.resolve(),
      },
    })
    const response = await app.inject({ url: '/api/v1/calls', headers })
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '5'])
    expect(response.json()).toMatchObject({ code: 'unavailable' })
    expect(logLines.join('')).toContain('"http.failed"')
  })
})
