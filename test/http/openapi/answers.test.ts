import { beforeAll, describe, expect, it } from 'vitest'
import { finish } from '../../../src/db/finished-attempts.ts'
import { noteProblem } from '../../../src/db/delivery-problems.ts'
import { parseCampaignRules } from '../../../src/domain/configuration-document.ts'
import { deliveryId } from '../../../src/domain/delivery.ts'
import { expirePostbacks } from '../../../src/flow/expire-postbacks.ts'
import { receivePostbacks } from '../../../src/flow/receive-postback.ts'
import type { OpenApiDocument } from '../../../src/http/openapi/document.ts'
import { attempted, claim } from '../../delivery/support/lanes.ts'
import { aCampaignDocument } from '../../support/configuration.ts'
import { openTestDatabase } from '../../support/database.ts'
import { aBuyer, anEndedCall, beginCall, flowOn, post } from '../../support/flow.ts'
import { ADMIN_KEY, CALL, openTestServer } from '../support/server.ts'
import { createFitter, type Fitter } from './support/fit.ts'

const headers = { authorization: `Bearer ${ADMIN_KEY}` }
const DOCUMENT = {
  publishers: [{ id: 'acme-media', name: 'Acme Media' }],
  buyers: [
    {
      id: 'solar-direct',
      name: 'Solar Direct',
      endpoint: 'sip:sales@198.51.100.7',
      auth: { username: 'bridge', password: 'secret of the buyer' },
      hours: { time_zone: 'America/New_York', open: ['mon-fri 09:00-17:30'] },
      headers: { 'X-Campaign': '[campaign_id]' },
    },
  ],
  trunks: [
    { id: 'carrier-a', allow: ['203.0.113.0/24'], digest: { username: 'u', password: 'pppp' } },
  ],
  campaigns: [
    {
      id: 'roofs',
      name: 'Roofs',
      numbers: [{ number: '+18005550100', publisher: 'acme-media', sub_id: 'tv' }],
      routes: [{ buyer: 'solar-direct', filters: { caller_prefixes: ['+1'] } }],
      tracking_urls: [
        { id: 'sale', trigger: 'converted', url: 'https://a.example/s?amt=[payout]' },
        { id: 'ping', trigger: 'bridged', url: 'https://b.example/p' },
      ],
      conversion_groups: [
        {
          id: 'sales',
          type: 'postback',
          conversions: [
            { name: 'posted', value: 'posted' },
            { name: 'flat', trigger: 'sale=true', revenue: '25.00', payout: '20.00' },
          ],
        },
        {
          id: 'long',
          type: 'duration',
          conversions: [{ name: '90s', seconds: 90, revenue: '20.00', payout: '10.00' }],
        },
      ],
    },
  ],
} as const

const database = await openTestDatabase()
const { numbers: _, ...definition } = aCampaignDocument()
const deps = await flowOn(database, parseCampaignRules(definition))
await database.query('alter table campaign_versions disable trigger user')
await database.query('update campaign_versions set definition = $1', [JSON.stringify(definition)])
const { app: documented } = openTestServer()
const document = (await documented.inject('/docs/json')).json<OpenApiDocument>()
const fitter: Fitter = createFitter(document)
const covered = new Set<string>()

interface Asked {
  readonly url: string
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly payload?: object | string
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks the service, and gives the status with what does not fit the document. */
async function ask({ url, method = 'GET', payload, headers: more = headers }: Asked) {
  const { app } = openTestServer({
    database,
    readiness: { database: () => true },
    readMetrics: () => Promise.resolve([]),
    checkKey: (_callUuid, key) => (key === 'right' ? 1 : undefined),
    receivePostback: async (request) => {
      const [reply] = await receivePostbacks(deps, [request])
      if (!reply) throw new Error('a postback has no reply')
      return reply
    },
  })
  const answer = await app.inject({
    method,
    url,
    headers: more,
    ...(payload !== undefined && { payload }),
  })
  if (method === 'GET' && answer.statusCode === 200) covered.add(fitter.operationOf(method, url))
  const contentType = String(answer.headers['content-type'])
  const { statusCode: status, body } = answer
  return { status, misfits: fitter.misfits({ method, url, status, contentType, body }), body }
}

let converted = ''
let ringing = ''
let failed = ''

beforeAll(async () => {
  converted = await anEndedCall(deps)
  await post(deps, converted, 'revenue=10.00&tag=a')
  await post(deps, converted, 'revenue=[revenue]')
  await post(deps, converted, 'revenue=12.00')
  ringing = (await beginCall(deps, { leftOut: [aBuyer({ buyerId: 'p', paused: true })] })).callUuid
  await anEndedCall(deps, { callerNumber: '+12125550199' })
  const deliveries = await claim(database, { perHostMax: 100, limit: 100 })
  await finish(
    database,
    deliveries.map((one) => attempted(one, { kind: 'done', state: 'failed' })),
  )
  const { callUuid = '', trackingUrlId = '', occurrence = 0 } = deliveries[0] ?? {}
  failed = deliveryId({ callUuid, trackingUrlId, occurrence })
  await database.setClock('11 minutes')
  await expirePostbacks(deps)
  await noteProblem(database, {
    campaignId: 'roofs',
    trackingUrlId: 'sale',
    problem: 'failing',
    failures: 10,
    host: 'a.example',
    status: 500,
    error: null,
  })
})

const answered = (status: number) => ({ status, misfits: [], body: expect.any(String) as string })

describe('an answer fits its schema', () => {
  it.each(['true', 'false'])('of PUT /configuration with dry_run=%s', async (dryRun) => {
    const url = `/api/v1/configuration?dry_run=${dryRun}`
    expect(await ask({ method: 'PUT', url, payload: DOCUMENT })).toEqual(answered(200))
  })

  it('of a key that is made, listed and revoked', async () => {
    const payload = { name: 'a test', role: 'viewer' }
    const made = await ask({ method: 'POST', url: '/api/v1/api-keys', payload })
    expect(made).toEqual(answered(201))
    const { id } = JSON.parse(made.body) as { id: string }
    expect(await ask({ url: '/api/v1/api-keys' })).toEqual(answered(200))
    const url = `/api/v1/api-keys/${id}`
    expect(await ask({ method: 'DELETE', url })).toEqual(answered(200))
  })

  const of: readonly [about: string, path: () => string, least: number][] = [
    ['calls', () => '/calls', 3],
    ['a call', () => `/calls/${converted}`, 1],
    ['a timeline', () => `/calls/${converted}/timeline`, 10],
    ['a decision in words', () => `/calls/${converted}/why`, 1],
    ['postbacks of a call', () => `/postbacks?call=${converted}`, 3],
    ['settlements of a call', () => `/settlements?call=${converted}`, 2],
    ['deliveries of a call', () => `/deliveries?call=${converted}`, 3],
    ['failed deliveries', () => '/deliveries?state=failed', 1],
    ['a delivery', () => `/deliveries/${failed}`, 1],
    ['tracking URLs', () => '/tracking-urls', 2],
    ['a report', () => '/reports?from=2020-01-01&to=2100-01-01&by=campaign,day', 1],
    ['the log of postbacks', () => '/postback-log', 3],
    ['the configuration', () => '/configuration', 1],
    ['the record', () => '/audit', 3],
    ['publishers', () => '/publishers', 1],
    ['a publisher', () => '/publishers/acme-media', 1],
    ['buyers', () => '/buyers', 1],
    ['a buyer', () => '/buyers/solar-direct', 1],
    ['trunks', () => '/trunks', 1],
    ['a trunk', () => '/trunks/carrier-a', 1],
    ['campaigns', () => '/campaigns', 1],
    ['a campaign', () => '/campaigns/roofs', 1],
    ['numbers', () => '/numbers', 1],
    ['a number', () => '/numbers/+18005550100', 1],
    ['the wizard', () => '/wizard/buyer-urls?base_url=https%3A%2F%2Fa.example%2Fp', 1],
  ]
  it.each(of)('of %s', async (_about, path, least) => {
    const answer = await ask({ url: `/api/v1${path()}` })
    expect(answer).toEqual(answered(200))
    const value: unknown = JSON.parse(answer.body)
    expect(Array.isArray(value) ? value.length : 1).toBeGreaterThanOrEqual(least)
  })

  it.each(['/healthz', '/readyz', '/metrics', '/docs/json'])('of %s', async (url) => {
    expect(await ask({ url })).toEqual(answered(200))
  })

  it('of a report and a configuration in their other formats', async () => {
    const csv = '/api/v1/reports?from=2020-01-01&to=2100-01-01&format=csv'
    expect(await ask({ url: csv })).toEqual(answered(200))
    const accept = { ...headers, accept: 'application/yaml' }
    const yaml = await ask({ url: '/api/v1/configuration', headers: accept })
    expect({ status: yaml.status, isYaml: yaml.body.startsWith('publishers:') }).toEqual({
      status: 200,
      isYaml: true,
    })
  })

  it('of deliveries that are sent again, and of a template', async () => {
    const url = `/api/v1/deliveries/${failed}/resend`
    expect(await ask({ method: 'POST', url })).toEqual(answered(200))
    const range = '/api/v1/deliveries/resend?created_from=2020-01-01&dry_run=true'
    expect(await ask({ method: 'POST', url: range })).toEqual(answered(200))
    for (const template of ['https://a.example/[x]', 'gopher://']) {
      const preview = { method: 'POST', url: '/api/v1/tracking-urls/preview' } as const
      expect(await ask({ ...preview, payload: { url: template } })).toEqual(answered(200))
    }
  })
})

describe('a problem fits its schema', () => {
  const preview = { method: 'POST', url: '/api/v1/tracking-urls/preview' } as const
  const ofJson = { ...headers, 'content-type': 'application/json' }
  it.each<[number, Asked]>([
    [400, { url: '/api/v1/calls?limit=0' }],
    [400, { url: '/api/v1/reports?by=caller' }],
    [400, { method: 'POST', url: '/api/v1/tracking-urls/preview', payload: {} }],
    [400, { method: 'DELETE', url: '/api/v1/api-keys/x?dry_run=true' }],
    [400, { method: 'POST', url: '/api/v1/deliveries/x/resend', payload: '{', headers: ofJson }],
    [401, { url: '/api/v1/calls', headers: {} }],
    [404, { url: `/api/v1/calls/${CALL}` }],
    [404, { url: '/api/v1/buyers/nobody' }],
    [400, { ...preview, payload: '{', headers: ofJson }],
    [413, { ...preview, payload: { url: 'x'.repeat(70_000) } }],
    [413, { method: 'DELETE', url: '/api/v1/api-keys/x', payload: { a: 'x'.repeat(70_000) } }],
    [414, { url: `/api/v1/tracking-urls?${'x'.repeat(3_000)}` }],
    [414, { url: `/healthz?${'x'.repeat(3_000)}` }],
    [415, { ...preview, payload: 'x', headers: { ...headers, 'content-type': 'text/html' } }],
    [422, { method: 'PUT', url: '/api/v1/configuration', payload: { buyers: [{ id: '-' }] } }],
  ])('with status %i, %#', async (status, asked) => {
    expect(await ask(asked)).toEqual(answered(status))
  })
})

describe('an answer of set_value fits its schema (B16)', () => {
  const path = (callUuid: string) => `/calls/${callUuid}/set_value`
  const sent: readonly [status: number, about: string, asked: () => Asked][] = [
    [200, 'pending', () => ({ url: `${path(ringing)}?key=right&revenue=10.00` })],
    [200, 'adjusted', () => ({ url: `${path(converted)}?key=right&revenue=13.00` })],
    [200, 'duplicate', () => ({ url: `${path(converted)}?key=right&revenue=13.00` })],
    [200, 'ignored', () => ({ url: `${path(converted)}?key=right&a=b` })],
    [
      200,
      'adjusted',
      () => ({ method: 'POST', url: path(converted), payload: { key: 'right', revenue: '14.00' } }),
    ],
    [400, 'refused', () => ({ url: `${path(converted)}?key=right&revenue=x` })],
    [
      400,
      'refused',
      () => ({ method: 'POST', url: `${path(converted)}?key=right`, payload: { nested: {} } }),
    ],
    [403, 'refused', () => ({ url: `${path(converted)}?key=wrong` })],
    [404, 'refused', () => ({ url: `${path(CALL)}?key=right` })],
    [414, '', () => ({ url: `${path(CALL)}?key=${'x'.repeat(3_000)}` })],
    [415, 'refused', () => ({ method: 'POST', url: `${path(CALL)}?key=right`, payload: 'x' })],
  ]
  it.each(sent)('with status %i, %s', async (status, about, asked) => {
    const answer = await ask({ headers: {}, ...asked() })
    expect(answer).toEqual(answered(status))
    expect((JSON.parse(answer.body) as { status: unknown }).status).toBe(about || status)
  })
})

it('every GET of the document was asked', () => {
  const gets = Object.entries(document.paths).flatMap(([path, methods]) =>
    methods['get'] ? [`GET ${path}`] : [],
  )
  expect([...covered].toSorted()).toEqual(gets.toSorted())
})
