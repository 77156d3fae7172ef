import { describe, expect, it } from 'vitest'
import { parseConfigurationDocument } from '../../../src/domain/configuration-document.ts'
import { applyConfiguration } from '../../../src/flow/apply-configuration.ts'
import { openTestDatabase } from '../../support/database.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const headers = { authorization: `Bearer ${ADMIN_KEY}` }
const PASSWORD = 'hunter2-hunter2'
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    number: `+1800555${String(100 + index).padStart(4, '0')}`,
    publisher: index % 2 === 0 ? 'acme' : 'beta',
  }))

const DOCUMENT = {
  publishers: [
    { id: 'beta', name: 'Beta' },
    { id: 'acme', name: 'Acme Media' },
  ],
  buyers: [
    {
      id: 'solar-direct',
      name: 'Solar Direct',
      endpoint: 'sip:sales@198.51.100.7',
      auth: { username: 'bridge', password: PASSWORD },
      caps: { daily: 500 },
    },
    {
      id: 'roof',
      name: 'Roof',
      endpoint: 'tel:+15551230000',
      gateway: 'carrier-a',
      numbers: { country: 'US' },
    },
  ],
  trunks: [
    {
      id: 'carrier-a',
      allow: ['203.0.113.0/24'],
      digest: { username: 'carrier', password: PASSWORD },
      gateway: 'sip:203.0.113.10',
      numbers: { prefix: '9' },
    },
  ],
  campaigns: [
    {
      id: 'solar',
      name: 'Solar leads',
      numbers: [...numbered(30), { number: '+12125550100', publisher: 'acme', sub_id: 'tv' }],
      routes: [{ buyer: 'solar-direct' }],
      tracking_urls: [
        { id: 'sale', trigger: 'converted', url: 'https://a.example/s', secrets: [SECRET] },
      ],
      conversion_groups: [
        { id: 'sales', type: 'postback', conversions: [{ name: 'posted', value: 'posted' }] },
      ],
    },
    {
      id: 'roofs',
      name: 'Roofs',
      currency: 'EUR',
      numbers: [{ number: '+12125550101', publisher: 'acme' }],
    },
  ],
}

const database = await openTestDatabase()
const parsed = parseConfigurationDocument(DOCUMENT)
if (parsed.kind !== 'configuration') throw new Error(JSON.stringify(parsed.problems))
await applyConfiguration(database, parsed)

async function get(path: string, from = database) {
  const { app } = openTestServer({ database: from })
  return app.inject({ url: `/api/v1${path}`, headers })
}

describe('GET /api/v1/{publishers,buyers,trunks,campaigns,numbers}', () => {
  it('lists what is in force, by id', async () => {
    expect((await get('/publishers')).json()).toEqual([
      { id: 'acme', name: 'Acme Media' },
      { id: 'beta', name: 'Beta' },
    ])
    const ids = async (path: string) =>
      (await get(path)).json<{ id: string }[]>().map(({ id }) => id)
    expect(await ids('/buyers')).toEqual(['roof', 'solar-direct'])
    expect(await ids('/trunks')).toEqual(['carrier-a'])
    expect(await ids('/campaigns')).toEqual(['roofs', 'solar'])
  })

  it('fills in what the document leaves out, and keeps passwords to itself', async () => {
    expect((await get('/buyers/solar-direct')).json()).toEqual({
      id: 'solar-direct',
      name: 'Solar Direct',
      endpoint: 'sip:sales@198.51.100.7',
      auth: { username: 'bridge' },
      caps: { daily: 500 },
      ring_timeout_seconds: 25,
      setup_timeout_seconds: 6,
      ping_seconds: 60,
      uuid_format: 'standard',
      headers: {},
      pass_headers: [],
      paused: false,
      trusted: false,
      numbers: { format: 'e164' },
    })
    expect((await get('/buyers/roof')).json()).toMatchObject({
      numbers: { format: 'e164', country: 'US' },
    })
    expect((await get('/trunks/carrier-a')).json()).toEqual({
      id: 'carrier-a',
      allow: ['203.0.113.0/24'],
      digest: { username: 'carrier' },
      gateway: 'sip:203.0.113.10',
      numbers: { format: 'e164', dialled: 'request_uri', prefix: '9' },
      trusted: true,
    })
  })

  it('gives a campaign with its version, and how many numbers it has', async () => {
    expect((await get('/campaigns/solar')).json()).toEqual({
      id: 'solar',
      name: 'Solar leads',
      version: 1,
      currency: 'USD',
      repeat_callers: 'any_buyer',
      number_count: 31,
      routes: [
        { buyer: 'solar-direct', priority: 1, weight: 1, ring_together: false, filters: {} },
      ],
      tracking_urls: [
        {
          id: 'sale',
          trigger: 'converted',
          method: 'GET',
          url: 'https://a.example/s',
          tags: {},
          fire_order: 1,
          get_after_head_refused: true,
          signed: true,
        },
      ],
      conversion_groups: [
        {
          id: 'sales',
          type: 'postback',
          filters: {},
          dedupe_seconds: 0,
          postback_timeout_seconds: 600,
          conversions: [
            {
              name: 'posted',
              value: 'posted',
              payout_modifier: '',
              zero_converts: false,
              on_repeat: 'adjust',
            },
          ],
        },
      ],
    })
  })

  it.each(['/buyers', '/trunks', '/campaigns'])('shows no secret at %s', async (path) => {
    const { body } = await get(path)
    expect(body).not.toMatch(/hunter2|whsec_|password|secrets/)
  })

  it.each(['/publishers/x', '/buyers/x', '/trunks/x', '/campaigns/x', '/numbers/x', '/numbers/+1'])(
    'has nothing at %s',
    async (path) => {
      expect((await get(path)).json()).toMatchObject({ status: 404, code: 'not_found' })
    },
  )

  it('has nothing to list before anything was applied', async () => {
    const empty = await openTestDatabase()
    for (const path of ['/publishers', '/buyers', '/trunks', '/campaigns', '/numbers']) {
      const { statusCode, body } = await get(path, empty)
      expect([path, statusCode, body]).toEqual([path, 200, '[]'])
    }
  })
})

describe('GET /api/v1/numbers', () => {
  const numbersOf = (response: { json: () => unknown }) =>
    (response.json() as { number: string }[]).map(({ number }) => number)

  it('gives pages of 25, each with a link to the next, and every number once', async () => {
    const pages = []
    for (let path: string | undefined = '/numbers?campaign=solar'; path !== undefined;) {
      const response = await get(path)
      pages.push(numbersOf(response))
      const link = String(response.headers.link ?? '')
      path = /^<\/api\/v1(\/numbers\?campaign=solar&after=[^>]+)>; rel="next"$/.exec(link)?.[1]
    }
    expect(pages.map((page) => page.length)).toEqual([25, 6])
    expect(pages.flat()).toEqual(['+12125550100', ...numbered(30).map(({ number }) => number)])
  })

  it.each([
    ['campaign=roofs', 1],
    ['publisher=beta', 15],
    ['publisher=beta&campaign=roofs', 0],
    ['publisher=nobody', 0],
  ])('lists by %s as many as %i', async (query, count) => {
    expect(numbersOf(await get(`/numbers?${query}`))).toHaveLength(count)
  })

  it.each(['/numbers/+12125550100', '/numbers/%2B1-212-555-0100'])('finds %s', async (path) => {
    expect((await get(path)).json()).toEqual({
      number: '+12125550100',
      campaign_id: 'solar',
      publisher_id: 'acme',
      sub_id: 'tv',
    })
  })

  it.each(['limit=0', 'limit=201', 'before=x', 'unknown=1'])('refuses %s', async (query) => {
    expect((await get(`/numbers?${query}`)).json()).toMatchObject({ code: 'invalid_query' })
  })
})
