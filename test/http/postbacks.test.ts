import { describe, expect, it } from 'vitest'
import type { PostbackReply } from '../../src/flow/receive-postback.ts'
import { CALL, KEY, openTestServer, WRONG_KEY } from './support/server.ts'

const at = (query: string, uuid = CALL) => `/calls/${uuid}/set_value?${query}`
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_TYPE = { 'content-type': 'application/json' }

const NOTHING = { call_uuid: null, state: null, converted: false, revenue: null, payout: null }

describe('set_value with the right key', () => {
  it('answers what the postback did (B16)', async () => {
    const { app } = openTestServer()
    const response = await app.inject(at(`key=${KEY}&revenue=10.00`))
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(response.json()).toEqual({
      status: 'converted',
      reason: 'posted_revenue',
      call_uuid: CALL,
      state: 'converted',
      converted: true,
      revenue: '10.00',
      payout: '8.00',
    })
  })

  it.each([200, 400, 403, 409, 410])(
    'passes status %i of the flow on (B16)',
    async (httpStatus) => {
      const reply: PostbackReply = {
        httpStatus,
        status: 'refused',
        reason: 'because',
        conversion: 'pending',
        revenue: null,
        payout: null,
      }
      const { app } = openTestServer({ receivePostback: () => Promise.resolve(reply) })
      const response = await app.inject(at(`key=${KEY}`))
      expect(response.statusCode).toBe(httpStatus)
      expect(response.json()).toMatchObject({
        state: 'pending',
        converted: false,
        reason: 'because',
      })
    },
  )

  it('hands over the raw query, the leg and where it came from (B6, B15)', async () => {
    const { app, received } = openTestServer()
    const query = `revenue=1&revenue=2&a[]=3&__proto__=x&b=%E0%A4%A&key=${KEY}`
    await app.inject({ url: at(query), remoteAddress: '198.51.100.7' })
    expect(received).toEqual([
      {
        callUuid: CALL,
        leg: 1,
        text: { query: 'revenue=1&revenue=2&a[]=3&__proto__=x&b=%E0%A4%A&key=', body: '' },
        source: '198.51.100.7',
        method: 'GET',
        isPrefetch: false,
      },
    ])
  })

  it.each([
    ['form', FORM, 'revenue=10.00&sale=true', 'revenue=10.00&sale=true'],
    ['JSON', JSON_TYPE, '{"revenue":10.00,"sale":true}', 'revenue=10.00&sale=true'],
  ])('takes a %s by POST (B4)', async (_name, headers, payload, body) => {
    const { app, received } = openTestServer()
    const response = await app.inject({ method: 'POST', url: at(`key=${KEY}`), headers, payload })
    expect(response.statusCode).toBe(200)
    expect(received).toMatchObject([{ method: 'POST', text: { query: 'key=', body } }])
  })

  it('applies HEAD, and answers it as GET but for the body (B4, B16)', async () => {
    const { app, received } = openTestServer()
    const get = await app.inject(at(`key=${KEY}`))
    const head = await app.inject({ method: 'HEAD', url: at(`key=${KEY}`) })
    expect(received.map(({ method }) => method)).toEqual(['GET', 'HEAD'])
    expect(head.statusCode).toBe(200)
    expect(head.body).toBe('')
    expect({ ...head.headers, date: '' }).toEqual({ ...get.headers, date: '' })
    expect(head.headers['content-length']).toBe(String(get.body.length))
  })

  it.each([CALL.toUpperCase(), CALL.replaceAll('-', '')])(
    'knows the call as %s (B1)',
    async (uuid) => {
      const { app, received } = openTestServer()
      await app.inject(at(`key=${KEY}`, uuid))
      expect(received).toMatchObject([{ callUuid: CALL }])
    },
  )

  it('says that a request is a prefetch (B4)', async () => {
    const { app, received } = openTestServer()
    await app.inject({ url: at(`key=${KEY}`), headers: { 'sec-purpose': 'prefetch' } })
    expect(received).toMatchObject([{ isPrefetch: true }])
  })

  it.each([
    [415, 'unsupported_media_type', { 'content-type': 'text/plain' }, 'revenue=10.00'],
    [400, 'body_not_flat', JSON_TYPE, '{"revenue":[10]}'],
    [400, 'malformed_json', JSON_TYPE, '{"revenue":10'],
    [400, 'body_not_text', FORM, 'a=\0'],
  ])('refuses a body with %i %s and keeps that (B15)', async (status, reason, headers, payload) => {
    const { app, received, refusals } = openTestServer()
    const response = await app.inject({ method: 'POST', url: at(`key=${KEY}`), headers, payload })
    expect(response.statusCode).toBe(status)
    expect(response.json()).toEqual({ status: 'refused', reason, ...NOTHING })
    expect(received).toEqual([])
    expect(refusals).toMatchObject([{ callUuid: CALL, httpStatus: status, reason }])
  })

  it('answers 503 with Retry-After when it could not be stored (B16)', async () => {
    const { app } = openTestServer({ receivePostback: () => Promise.reject(new Error('away')) })
    const response = await app.inject(at(`key=${KEY}`))
    expect(response.statusCode).toBe(503)
    expect(response.headers['retry-after']).toBe('5')
    expect(response.json()).toEqual({ status: 'unavailable', reason: 'not_stored', ...NOTHING })
  })
})

describe('set_value without the right key', () => {
  const wrong: [string, string, object?][] = [
    ['a wrong key', at(`key=${WRONG_KEY}&revenue=10.00`)],
    ['an unknown call', at(`key=${KEY}`, '01890a5d-ac96-774b-bcce-b302099a8059')],
    ['no key', at('revenue=10.00')],
    ['an empty key', at('key=')],
    ['two keys that differ', at(`key=${KEY}&key=${WRONG_KEY}`)],
    ['text in place of a UUID', at(`key=${KEY}`, 'x')],
    ['a body that is not read', at(''), { method: 'POST', headers: JSON_TYPE, payload: '[]' }],
  ]

  it.each(wrong)('refuses %s as it refuses every other (B7)', async (_name, url, more = {}) => {
    const { app, received } = openTestServer()
    const response = await app.inject({ url, ...more })
    expect({ status: response.statusCode, body: response.body }).toEqual({
      status: 403,
      body: JSON.stringify({ status: 'refused', reason: 'wrong_key', ...NOTHING }),
    })
    expect({ ...response.headers, date: '' }).toEqual({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-type': 'application/json; charset=utf-8',
      'content-length': '118',
      connection: 'keep-alive',
      date: '',
    })
    expect(received).toEqual([])
  })

  it('asks no database, and hands the refusal over without the key (B7, B15)', async () => {
    const { app, refusals } = openTestServer() // its database fails whoever asks
    await app.inject({ url: at(`key=${WRONG_KEY}&revenue=1`), remoteAddress: '198.51.100.7' })
    expect(refusals).toEqual([
      {
        callUuid: CALL,
        text: { query: 'key=&revenue=1', body: '' },
        source: '198.51.100.7',
        method: 'GET',
        httpStatus: 403,
        reason: 'wrong_key',
      },
    ])
  })

  it.each([
    [`revenue=1&amp;key=${KEY}`, 'revenue=1&amp;key='],
    [`revenue=1;key=${KEY}`, 'revenue=1;key='],
    [`revenue=1?key=${KEY}&x=1`, 'revenue=1?key=&x=1'],
    [`revenue=1%26key%3D${KEY}%26x`, 'revenue=1%26key%3D%26x'],
    [`api_key=${KEY}`, 'api_key='],
    [`key=x&amp;key=${KEY}`, 'key=&amp;key='],
    [`txid=${WRONG_KEY}`, `txid=${WRONG_KEY}`],
    [`txid=f${KEY}`, `txid=f${KEY}`],
  ])('keeps %s as %s: who reads the record may not post (B7)', async (query, kept) => {
    const { app, refusals } = openTestServer()
    await app.inject(at(query))
    expect(refusals).toMatchObject([{ text: { query: kept, body: '' } }])
  })

  it('keeps no key of a JSON body that has it under another name (B7)', async () => {
    const { app, refusals } = openTestServer()
    const payload = JSON.stringify({ call_key: KEY, revenue: 1 })
    await app.inject({ url: at(''), method: 'POST', headers: JSON_TYPE, payload })
    expect(refusals).toMatchObject([{ text: { body: 'call_key=&revenue=1' } }])
  })

  it('refuses text in place of a UUID even with a key for the UUID that stands in for it', async () => {
    const { app, received } = openTestServer({ checkKey: () => 1 })
    expect((await app.inject(at(`key=${KEY}`, 'x'))).statusCode).toBe(403)
    expect(received).toEqual([])
  })

  it('hands nothing over where there is no UUID to keep it with', async () => {
    const { app, refusals } = openTestServer()
    await app.inject(at(`key=${KEY}`, 'x'))
    expect(refusals).toEqual([])
  })
})

describe('the limits of set_value', () => {
  const never = { perSecond: 0.01, burst: 2 }

  it('turns a source away that comes too often, whatever it asks (B7)', async () => {
    const { app, received, refusals } = openTestServer({ postbackLimits: { perSource: never } })
    const ask = (remoteAddress: string) => app.inject({ url: at(`key=${KEY}`), remoteAddress })
    const statuses = []
    for (let count = 0; count < 3; count += 1) statuses.push((await ask('198.51.100.7')).statusCode)
    expect(statuses).toEqual([200, 200, 429])
    const refused = await ask('198.51.100.7')
    expect(refused.headers['retry-after']).toBe('100')
    expect(refused.json()).toEqual({ status: 'refused', reason: 'too_many_requests', ...NOTHING })
    expect((await ask('198.51.100.8')).statusCode).toBe(200)
    expect([received.length, refusals.length]).toEqual([3, 0])
  })

  it('turns a call away that is posted to too often, from wherever (B7)', async () => {
    const { app } = openTestServer({ postbackLimits: { perCall: never } })
    const statuses = []
    for (const remoteAddress of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
      statuses.push((await app.inject({ url: at(`key=${KEY}`), remoteAddress })).statusCode)
    }
    expect(statuses).toEqual([200, 200, 429])
  })

  it('lets wrong keys use up nothing of what the buyer may send (B7)', async () => {
    const { app } = openTestServer({ postbackLimits: { perCall: never } })
    for (let count = 0; count < 5; count += 1) {
      await app.inject({ url: at(`key=${WRONG_KEY}`), remoteAddress: '203.0.113.9' })
    }
    const response = await app.inject({ url: at(`key=${KEY}`), remoteAddress: '198.51.100.7' })
    expect(response.statusCode).toBe(200)
  })

  it('turns a source away from a UUID after ten wrong keys, right ones too (B7)', async () => {
    const { app, received } = openTestServer()
    const ask = (query: string, remoteAddress = '203.0.113.9') =>
      app.inject({ url: at(query), remoteAddress })
    const statuses = []
    for (let count = 0; count < 11; count += 1) {
      statuses.push((await ask(`key=${WRONG_KEY}`)).statusCode)
    }
    expect(statuses).toEqual([...Array<number>(10).fill(403), 429])
    expect((await ask(`key=${KEY}`)).statusCode).toBe(429)
    expect(Number((await ask(`key=${KEY}`)).headers['retry-after'])).toBeGreaterThan(300)
    expect(received).toEqual([])
    expect((await ask(`key=${KEY}`, '198.51.100.7')).statusCode).toBe(200)
  })

  it('does so for unknown calls too, so that it tells nothing (B7)', async () => {
    const { app } = openTestServer()
    const url = at('key=x', '01890a5d-ac96-774b-bcce-b302099a8059')
    const statuses = []
    for (let count = 0; count < 11; count += 1) statuses.push((await app.inject(url)).statusCode)
    expect(statuses.at(-1)).toBe(429)
  })

  it('lets one platform post a thousand at once by default', async () => {
    const { app, received } = openTestServer({
      postbackLimits: { perCall: { perSecond: 1, burst: 1_000 } },
    })
    const url = at(`key=${KEY}`)
    const responses = await Promise.all(Array.from({ length: 1_000 }, () => app.inject(url)))
    expect(new Set(responses.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    expect(received).toHaveLength(1_000)
  })
})

describe('where a postback comes from', () => {
  const forwarded = { 'x-forwarded-for': '198.51.100.7, 203.0.113.1' }

  it.each([
    ['believes nobody by default', [], forwarded, '192.0.2.1'],
    ['believes a trusted proxy about its client', ['192.0.2.0/24'], forwarded, '203.0.113.1'],
    [
      'goes back as far as proxies are trusted',
      ['192.0.2.0/24', '203.0.113.0/24'],
      forwarded,
      '198.51.100.7',
    ],
    ['does not believe what is no address', ['192.0.2.1'], { 'x-forwarded-for': 'x' }, '192.0.2.1'],
    ['believes no other proxy', ['192.0.2.9'], forwarded, '192.0.2.1'],
    ['writes a mapped address as IPv4', [], {}, '192.0.2.1', '::ffff:192.0.2.1'],
    ['keeps other IPv6 addresses', [], {}, '2001:db8::1', '2001:db8::1'],
  ])('%s', async (_name, trustProxy, headers, source, remoteAddress = '192.0.2.1') => {
    const { app, received } = openTestServer({ trustProxy })
    await app.inject({ url: at(`key=${KEY}`), headers, remoteAddress })
    expect(received).toMatchObject([{ source }])
  })
})

describe('the log of postbacks', () => {
  it('holds no key, query or body, whatever happens (B7)', async () => {
    const { app, logLines } = openTestServer()
    const failing = openTestServer({ receivePostback: () => Promise.reject(new Error('away')) })
    const secret = 'caller%2B12125550100'
    for (const key of [KEY, WRONG_KEY]) {
      await app.inject(at(`key=${key}&sub=${secret}`))
      await app.inject({ url: at(''), headers: { 'x-call-key': key } })
      await app.inject({ url: at(''), headers: { authorization: `Bearer ${key}` } })
      await app.inject({ method: 'POST', url: at(''), headers: FORM, payload: `key=${key}` })
      await app.inject({
        method: 'POST',
        url: at(''),
        headers: JSON_TYPE,
        payload: `{"key":"${key}"`,
      })
      await app.inject({ method: 'PUT', url: at(`key=${key}`) })
      await app.inject(`/elsewhere/${key}?key=${key}`)
      await app.inject(`/calls/%E0%A4%A/set_value?key=${key}`)
      await app.inject(at(`key=${key}`, key.repeat(5)))
      await failing.app.inject(at(`key=${key}&sub=${secret}`))
    }
    const log = [...logLines, ...failing.logLines].join('')
    expect(log.match(/"http\.request"/g)).toHaveLength(20)
    expect(log).toContain('/calls/:uuid/set_value')
    for (const text of [KEY, WRONG_KEY, secret, '12125550100']) expect(log).not.toContain(text)
  })

  it('is not joined by the framework, whose lines hold the URL', () => {
    const { app } = openTestServer()
    expect(app.log).not.toHaveProperty('level')
  })

  it('is one line a request (route, status, duration, request id)', async () => {
    const { app, logLines } = openTestServer()
    await app.inject({ url: at(`key=${KEY}`), remoteAddress: '198.51.100.7' })
    expect(logLines.map((line) => JSON.parse(line) as object)).toMatchObject([
      {
        event: 'http.request',
        request_id: 'req-1',
        method: 'GET',
        route: '/calls/:uuid/set_value',
        status: 200,
        duration_ms: expect.any(Number) as number,
        source: '198.51.100.7',
      },
    ])
  })
})
