import { describe, expect, it } from 'vitest'
import { attempt, decideStep } from '../../src/delivery/attempt.ts'
import { waitFor } from '../support/wait.ts'
import { aDispatcher, aRequest, failed, PUBLIC_ONLY, send, sentAt } from './support/attempts.ts'
import { CERTIFICATE } from './support/certificates.ts'
import { startReceiver } from './support/receiver.ts'
import { REFUSED_URLS, RESPELLED_URLS } from './support/refused-urls.ts'

describe('a request', () => {
  it('names the delivery and the time, and asks for the URL as it is (B14)', async () => {
    const receiver = await startReceiver()
    await send(`${receiver.origin}/p%2Fq?a=%2B1&b=%5Bx%5D#fragment`, { method: 'HEAD' })

    const [request] = receiver.requests
    expect(request?.method).toBe('HEAD')
    expect(request?.path).toBe('/p%2Fq?a=%2B1&b=%5Bx%5D')
    expect(request?.headers).toEqual({
      host: `127.0.0.1:${receiver.port}`,
      connection: 'keep-alive',
      accept: '*/*',
      'user-agent': 'Bridgeback/1.2.3',
      'webhook-id': '0192_ping_0',
      'webhook-timestamp': '1772366400',
    })
  })

  it('posts the body as stored, as JSON', async () => {
    const receiver = await startReceiver()
    await send(`${receiver.origin}/`, { method: 'POST', body: '{"payout": 8.00, "name": "Zoë"}' })

    expect(receiver.requests).toMatchObject([
      {
        method: 'POST',
        body: '{"payout": 8.00, "name": "Zoë"}',
        headers: { 'content-type': 'application/json', 'content-length': '32' },
      },
    ])
  })

  it.each(['HEAD', 'GET', 'POST'] as const)('keeps the connection after %s', async (method) => {
    const receiver = await startReceiver()
    const dispatcher = aDispatcher()
    for (let n = 0; n < 5; n += 1) {
      const report = await attempt(dispatcher, aRequest(receiver.origin, { method, body: '{}' }))
      expect(report.outcome).toEqual({ kind: 'delivered', status: 200 })
    }
    // One is still putting the first answer away when the second request comes.
    expect(receiver.connectionCount()).toBeLessThanOrEqual(2)
  })

  it('keeps the connections of so many origins, and closes those unused for longest', async () => {
    const receivers = await Promise.all(Array.from({ length: 4 }, () => startReceiver()))
    const dispatcher = aDispatcher({ originsMax: 2 })
    for (const { origin } of receivers) await attempt(dispatcher, aRequest(origin))

    await waitFor(() => receivers.map((receiver) => receiver.openCount()).join('') === '0011', {
      what: 'the first two connections to be closed',
    })
  })
})

describe('an answer', () => {
  it.each([200, 201, 202, 204, 299])('%i is success', async (status) => {
    const receiver = await startReceiver((_, response) => response.writeHead(status).end())
    expect((await send(receiver.origin)).outcome).toEqual({ kind: 'delivered', status })
  })

  it.each([304, 400, 401, 404, 408, 418, 429, 500, 503])('%i is a failure', async (status) => {
    const receiver = await startReceiver((_, response) => response.writeHead(status).end())
    expect((await send(receiver.origin)).outcome).toEqual(failed('unexpected_status', status))
    expect(receiver.requests).toHaveLength(1)
  })

  it('410 ends it for good (B14)', async () => {
    const receiver = await startReceiver((_, response) => response.writeHead(410).end())
    expect((await send(receiver.origin)).outcome).toEqual({ kind: 'refused_forever', status: 410 })
  })

  it.each([
    ['0', 0],
    ['120', 120],
    ['1000000000', 1_000_000_000],
    ['Sun, 01 Mar 2026 12:01:00 GMT', 59.1],
    ['soon', undefined],
  ])('hands on Retry-After: %s', async (text, seconds) => {
    const receiver = await startReceiver((_, response) =>
      response.writeHead(429, { 'retry-after': text }).end(),
    )
    const { outcome } = await send(receiver.origin)
    expect(outcome).toEqual(failed('unexpected_status', 429, seconds))
  })

  it('may be preceded by hints', async () => {
    const receiver = await startReceiver((_, response) => {
      response.writeEarlyHints({ link: '</x>; rel=preload' })
      response.end()
    })
    expect((await send(receiver.origin)).outcome).toEqual({ kind: 'delivered', status: 200 })
  })
})

describe('a refused HEAD (B2)', () => {
  it.each([405, 501])('is followed by one GET after %i', async (status) => {
    const receiver = await startReceiver(({ method }, response) =>
      response.writeHead(method === 'HEAD' ? status : 204).end(),
    )
    const report = await send(`${receiver.origin}/p?q=1`, { method: 'HEAD' })

    expect(report).toMatchObject({ outcome: { kind: 'delivered', status: 204 }, method: 'GET' })
    expect(receiver.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'HEAD /p?q=1',
      'GET /p?q=1',
    ])
  })

  it('is followed by no second GET', async () => {
    const receiver = await startReceiver((_, response) => response.writeHead(405).end())
    const { outcome } = await send(receiver.origin, { method: 'HEAD' })
    expect(outcome).toEqual(failed('unexpected_status', 405))
    expect(receiver.requests).toHaveLength(2)
  })

  it('is followed by nothing where the URL does not allow it', async () => {
    const receiver = await startReceiver((_, response) => response.writeHead(405).end())
    await send(receiver.origin, { method: 'HEAD', getAfterHeadRefused: false })
    expect(receiver.requests.map(({ method }) => method)).toEqual(['HEAD'])
  })

  it.each([404, 500])('is followed by nothing after %i', async (status) => {
    const receiver = await startReceiver((_, response) => response.writeHead(status).end())
    await send(receiver.origin, { method: 'HEAD' })
    expect(receiver.requests).toHaveLength(1)
  })
})

describe('a redirect (B14)', () => {
  it.each([301, 302, 303, 307, 308])('%i is followed with method and body kept', async (status) => {
    const receiver = await startReceiver(({ path }, response) =>
      path === '/a'
        ? response.writeHead(status, { location: 'b?c=1' }).end('moved')
        : response.end(),
    )
    const report = await send(`${receiver.origin}/a`, { method: 'POST', body: '{"x":1}' })

    expect(report).toMatchObject({ outcome: { kind: 'delivered', status: 200 }, redirects: 1 })
    expect(receiver.requests).toMatchObject([
      { method: 'POST', path: '/a', body: '{"x":1}' },
      { method: 'POST', path: '/b?c=1', body: '{"x":1}' },
    ])
  })

  it.each([
    [3, { kind: 'delivered', status: 200 }],
    [4, failed('too_many_redirects', 302)],
  ])('is followed three times and no more: %i', async (count, expected) => {
    const receiver = await startReceiver(({ path }, response) => {
      const step = Number(path.slice(1))
      if (step >= count) response.end()
      else response.writeHead(302, { location: `/${step + 1}` }).end()
    })
    const { outcome } = await send(`${receiver.origin}/0`)
    expect(outcome).toEqual(expected)
    expect(receiver.requests).toHaveLength(4)
  })

  it.each([
    ['to a private address', 'http://169.254.169.254/latest/', 'address_not_allowed'],
    ['to a private port', 'http://1.1.1.1:22/', 'address_not_allowed'],
    ['with a user name', 'http://user@127.0.0.1/', 'address_not_allowed'],
    ['to a file', 'file:///etc/passwd', 'address_not_allowed'],
    ['to nowhere', 'http://', 'redirect_not_allowed'],
  ])('is not followed %s', async (_, location, reason) => {
    const receiver = await startReceiver((__, response) =>
      response.writeHead(302, { location }).end(),
    )
    expect((await send(receiver.origin)).outcome).toMatchObject({ kind: 'failed', reason })
  })

  it('is not followed from https to http', async () => {
    const plain = await startReceiver()
    const secure = await startReceiver(
      (_, response) => response.writeHead(302, { location: plain.origin }).end(),
      { certificate: CERTIFICATE },
    )
    const report = await attempt(aDispatcher({ ca: CERTIFICATE }), aRequest(secure.origin))
    expect(report.outcome).toEqual(failed('redirect_not_allowed', 302))
    expect(plain.connectionCount()).toBe(0)
  })

  it('without a place to go is a failure', async () => {
    const receiver = await startReceiver((_, response) => response.writeHead(302).end())
    expect((await send(receiver.origin)).outcome).toEqual(failed('unexpected_status', 302))
  })

  it('has no deadline of its own', async () => {
    const receiver = await startReceiver(({ path }, response) => {
      const redirect = () => response.writeHead(302, { location: '/hang' }).end()
      if (path === '/a') setTimeout(redirect, 150)
    })
    const report = await send(`${receiver.origin}/a`, { deadlineMs: 300 })

    expect(report.outcome).toEqual(failed('timeout'))
    expect(report.durationMs).toBeGreaterThanOrEqual(299)
    expect(report.durationMs).toBeLessThan(450)
  })
})

describe('an address that is not allowed', () => {
  it.each(REFUSED_URLS)('is not connected to: %j', async (url) => {
    const resolve = () => Promise.reject(new Error('must not be asked'))
    const dispatcher = aDispatcher({ policy: PUBLIC_ONLY, resolve })
    const report = await attempt(dispatcher, aRequest(url))
    expect(report.outcome).toEqual(failed('address_not_allowed'))
  })

  it('is not connected to in any of 190 spellings', async () => {
    const dispatcher = aDispatcher({ policy: PUBLIC_ONLY })
    const reports = await Promise.all(
      RESPELLED_URLS.map((url) => attempt(dispatcher, aRequest(url))),
    )
    const reasons = new Set(reports.map(({ outcome }) => JSON.stringify(outcome)))
    expect([...reasons]).toEqual([JSON.stringify(failed('address_not_allowed'))])
  })

  it('is not connected to where it would answer', async () => {
    const receiver = await startReceiver()
    for (const host of ['127.0.0.1', 'localhost', '127.1', '0x7f000001', '[::ffff:127.0.0.1]']) {
      const dispatcher = aDispatcher({ policy: PUBLIC_ONLY })
      const report = await attempt(dispatcher, aRequest(`http://${host}:${receiver.port}/`))
      expect(report.outcome).toEqual(failed('address_not_allowed'))
    }
    expect(receiver.connectionCount()).toBe(0)
  })
})

describe('decideStep', () => {
  const hop = { method: 'HEAD', url: 'https://a.example/x', redirects: 2 } as const
  const rules = { getAfterHeadRefused: true, sentAt }

  it.each([
    ['another host', 'https://b.example/y', 'https://b.example/y'],
    ['the same scheme', '//b.example/y', 'https://b.example/y'],
    ['another path', 'y?z', 'https://a.example/y?z'],
  ])('follows to %s', (_, location, url) => {
    const answer = { kind: 'answered', status: 302, location, retryAfter: undefined } as const
    expect(decideStep(hop, answer, rules)).toEqual({
      kind: 'hop',
      hop: { method: 'HEAD', url, redirects: 3 },
    })
  })
})
