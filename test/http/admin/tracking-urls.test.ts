import { describe, expect, it, onTestFinished } from 'vitest'
import { startReceiver } from '../../delivery/support/receiver.ts'
import { openTestDatabase } from '../../support/database.ts'
import { noteProblem } from '../../../src/db/delivery-problems.ts'
import { buildAddressPolicy, checkUrl } from '../../../src/delivery/address-policy.ts'
import { createTrials } from '../../../src/delivery/trial.ts'
import { parseConfigurationDocument } from '../../../src/domain/configuration-document.ts'
import { applyConfiguration } from '../../../src/flow/apply-configuration.ts'
import { verifyWebhook } from '../../../src/receiver-kit.ts'
import type { OpenApiDocument } from '../../../src/http/openapi/document.ts'
import { createFitter } from '../openapi/support/fit.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const headers = { authorization: `Bearer ${ADMIN_KEY}` }
const policy = buildAddressPolicy(['127.0.0.0/8'])

const { app: documented } = openTestServer()
const fitter = createFitter((await documented.inject('/docs/json')).json<OpenApiDocument>())

/** An API with these tracking URLs, whose answers to POST fit the document, or the test fails. */
async function openApi(trackingUrls: readonly object[], campaigns: readonly object[] = []) {
  const database = await openTestDatabase()
  const parsed = parseConfigurationDocument({
    publishers: [{ id: 'acme', name: 'Acme Media' }],
    buyers: [{ id: 'solar-direct', name: 'Solar Direct', endpoint: 'sip:a@127.0.0.1' }],
    campaigns: [
      {
        id: 'solar',
        name: 'Solar leads',
        numbers: [{ number: '+18005550100', publisher: 'acme' }],
        routes: [{ buyer: 'solar-direct' }],
        tracking_urls: trackingUrls,
      },
      ...campaigns,
    ],
  })
  if (parsed.kind !== 'configuration') throw new Error(JSON.stringify(parsed.problems))
  await applyConfiguration(database, parsed, { dryRun: false })
  const trials = createTrials({ policy, deadlineMs: 2_000 })
  onTestFinished(() => trials.close())
  const { app } = openTestServer({
    database,
    runTrial: trials.run,
    checkUrl: (url) => checkUrl(policy, url),
  })
  const post = async (path: string, payload?: object) => {
    const asked = { method: 'POST', url: `/api/v1${path}` } as const
    const response = await app.inject({ ...asked, headers, ...(payload && { payload }) })
    const { statusCode: status, body } = response
    const contentType = String(response.headers['content-type'])
    expect(fitter.misfits({ ...asked, status, contentType, body })).toEqual([])
    return response
  }
  const get = (path: string) => app.inject({ url: `/api/v1${path}`, headers })
  return { database, get, post }
}

interface Report {
  readonly outcome: string
  readonly exchanges: readonly {
    readonly request: { readonly url: string; readonly body: string | null }
    readonly response: { readonly status: number; readonly body: string } | null
  }[]
}

describe('GET /api/v1/tracking-urls', () => {
  it('lists each with what is wrong with it, and no secret', async () => {
    const { database, get } = await openApi([
      { id: 'ping', trigger: 'bridged', url: 'https://a.example/p' },
      { id: 'sale', trigger: 'converted', url: 'https://b.example/s', secrets: [SECRET] },
    ])
    const problem = { problem: 'gone', failures: 3, host: 'b.example', status: 410 } as const
    await noteProblem(database, {
      ...problem,
      campaignId: 'solar',
      trackingUrlId: 'sale',
      error: null,
    })
    const response = await get('/tracking-urls')
    expect(response.json()).toMatchObject([
      { id: 'ping', campaign_id: 'solar', method: 'HEAD', signed: false, problem: null },
      { id: 'sale', method: 'GET', signed: true, problem: { kind: 'gone', failures: 3 } },
    ])
    expect(response.body).not.toContain('whsec')
  })
})

describe('POST /api/v1/tracking-urls/{id}/test', () => {
  it('sends a made-up call and shows request and response, storing nothing', async () => {
    const receiver = await startReceiver((_, response) =>
      response.writeHead(200, { 'x-said': 'yes' }).end('taken'),
    )
    const url = `${receiver.origin}/s?id=[call_uuid]&amt=[payout]&sub=[sub]&key=[call_key]&d=[delivery_id]`
    const { database, post } = await openApi([
      { id: 'sale', trigger: 'converted', method: 'POST', url, secrets: [SECRET] },
    ])
    const response = await post('/tracking-urls/sale/test')
    const report = response.json<Report>()

    const [received] = receiver.requests
    const id = String(received?.headers['webhook-id'])
    expect(id).toMatch(/^test_[0-9a-f]{32}$/)
    expect(received?.path).toBe(
      `/s?id=00000000-0000-7000-8000-000000000000&amt=8.00&sub=sample-sub&key=${'0'.repeat(44)}&d=${id}`,
    )
    expect(JSON.parse(received?.body ?? '')).toMatchObject({
      type: 'converted',
      data: { buyer_name: 'Solar Direct', campaign_name: 'Solar leads', payout: '8.00' },
    })
    const verified = verifyWebhook([SECRET], { ...received, body: received?.body ?? '' })
    expect(verified).toMatchObject({ kind: 'verified', id })
    expect(report).toMatchObject({
      outcome: 'delivered',
      reason: null,
      exchanges: [
        {
          request: { method: 'POST', body: received?.body, headers: { 'webhook-id': id } },
          response: { status: 200, body: 'taken', headers: { 'x-said': 'yes' } },
        },
      ],
    })
    const { rows } = await database.query(
      `select from calls union all select from deliveries union all select from lanes`,
    )
    expect(rows).toEqual([])
  })

  it('shows each request of a redirect and of a refused HEAD, and cuts long answers', async () => {
    const receiver = await startReceiver(({ method, path }, response) => {
      if (path === '/a') response.writeHead(302, { location: '/b' }).end()
      else if (method === 'HEAD') response.writeHead(405).end()
      else response.end('x'.repeat(10_000))
    })
    const { post } = await openApi([
      { id: 'ping', trigger: 'bridged', url: `${receiver.origin}/a` },
    ])
    const { exchanges } = (await post('/tracking-urls/ping/test')).json<Report>()
    expect(exchanges).toMatchObject([
      { request: { method: 'HEAD', url: `${receiver.origin}/a` }, response: { status: 302 } },
      { request: { method: 'HEAD', url: `${receiver.origin}/b` }, response: { status: 405 } },
      { request: { method: 'GET', url: `${receiver.origin}/b` }, response: { status: 200 } },
    ])
    expect(exchanges[2]?.response?.body).toBe('x'.repeat(4_096))
  })

  it('shows what is said for good, headers that come twice and what is no text', async () => {
    const receiver = await startReceiver((_, response) =>
      response
        .writeHead(410, { 'set-cookie': ['a=1', 'b=2'], 'content-type': 'image/gif' })
        .end(Buffer.from([0x47, 0xff, 0x00, 0xc3])),
    )
    const { post } = await openApi([
      { id: 'sale', trigger: 'converted', url: `${receiver.origin}/s` },
    ])
    expect((await post('/tracking-urls/sale/test')).json()).toMatchObject({
      outcome: 'refused_forever',
      exchanges: [{ response: { status: 410, headers: { 'set-cookie': 'a=1, b=2' } } }],
    })
  })

  it('says why nothing came back', async () => {
    const { post } = await openApi([
      { id: 'ping', trigger: 'bridged', url: 'http://127.0.0.1:1/p' },
    ])
    expect((await post('/tracking-urls/ping/test')).json()).toMatchObject({
      outcome: 'failed',
      reason: 'connection_refused',
      exchanges: [{ error: 'connection_refused', response: null }],
    })
  })

  it('asks for the campaign where two have a URL of that name, and has nothing else', async () => {
    const url = { id: 'ping', trigger: 'bridged', url: 'http://127.0.0.1:1/p' }
    const { post } = await openApi([url], [{ id: 'roof', name: 'Roofs', tracking_urls: [url] }])
    const response = await post('/tracking-urls/ping/test')
    expect(response.json()).toMatchObject({
      code: 'invalid_query',
      problems: [{ path: 'campaign', message: 'is needed: solar, roof have this URL' }],
    })
    expect((await post('/tracking-urls/ping/test?campaign=roof')).statusCode).toBe(200)
    expect((await post('/tracking-urls/ping/test?campaign=none')).statusCode).toBe(404)
    expect((await post('/tracking-urls/none/test')).statusCode).toBe(404)
  })
})

describe('POST /api/v1/tracking-urls/preview', () => {
  it('fills a template in as a call would, and says what is odd about it (B3)', async () => {
    const { post } = await openApi([])
    const url = 'https://a.example/p?from=[caller_number]&amt=[payout]&x=[sourse]{none}'
    const response = await post('/tracking-urls/preview', { url, trigger: 'bridged' })
    expect(response.json()).toEqual({
      valid: true,
      problem: null,
      url: 'https://a.example/p?from=%2B12125550100&amt=&x=sample-sourse',
      host: 'a.example',
      tokens: [
        { name: 'caller_number', tag: false, default: '', value: '+12125550100' },
        { name: 'payout', tag: false, default: '', value: null },
        { name: 'sourse', tag: true, default: 'none', value: 'sample-sourse' },
      ],
      warnings: [
        '[payout] is empty at bridged: give it a default, as in [payout]{none}',
        '[sourse] is no token of calls: it stands for a tag of that name',
      ],
    })
  })

  it.each([
    ['https://a.example/[', 'a bracket that is no token at position 19'],
    ['https://[host]/', 'tokens may not stand in the host or port'],
    ['http://10.0.0.1/', expect.stringMatching(/^may not be requested/) as string],
  ])('says what is wrong with %s', async (url, problem) => {
    const { post } = await openApi([])
    const response = await post('/tracking-urls/preview', { url })
    expect(response.json()).toEqual({ valid: false, problem })
  })

  it.each([{}, { url: 5 }, { url: 'https://a.example/', trigger: 'never' }])(
    'refuses the body %j',
    async (body) => {
      const { post } = await openApi([])
      expect((await post('/tracking-urls/preview', body)).statusCode).toBe(400)
    },
  )
})
