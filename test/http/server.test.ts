import { connect, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startHttp } from '../../src/http/server.ts'
import { waitFor } from '../support/wait.ts'
import { openRaw, sendRaw, statusesOf } from './support/raw.ts'
import { CALL, KEY, openTestServer } from './support/server.ts'

const PATH = `/calls/${CALL}/set_value`
const LOCAL = { host: '127.0.0.1', port: 0 }

async function listen(overrides: Parameters<typeof openTestServer>[0] = {}) {
  const server = openTestServer(overrides)
  const { port } = await startHttp(server.app, LOCAL)
  return { ...server, port }
}

const get = (path: string, headers = '') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}Connection: close\r\n\r\n`

describe('hostile requests (F32)', () => {
  const long = 'x'.repeat(15_000)
  const post = (headers: string, body: string) =>
    `POST ${PATH}?key=${KEY} HTTP/1.1\r\nHost: a\r\n${headers}\r\n${body}`

  it.each([
    ['a URL of 15 KB', get(`/${long}`), 414, 'url_too_long'],
    ['a URL of 2049 characters', get(`/${'x'.repeat(2_048)}`), 414, 'url_too_long'],
    ['headers of 20 KB', get('/', `X: ${'x'.repeat(20_000)}\r\n`), 431, 'headers_too_large'],
    ['two Host headers', get('/healthz', 'Host: b\r\n'), 400, 'repeated_header'],
    ['two Host headers that agree', get('/healthz', 'hOST: a\r\n'), 400, 'repeated_header'],
    [
      'two Authorization headers',
      get(PATH, `Authorization: Bearer ${KEY}\r\nAuthorization: Bearer x\r\n`),
      400,
      'repeated_header',
    ],
    ['no Host header', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400, undefined],
    [
      'bad percent-encoding in the path',
      get('/calls/%E0%A4%A/set_value'),
      400,
      'malformed_request',
    ],
    ['a path segment of 300', get(`/calls/${'x'.repeat(300)}/set_value`), 414, 'url_too_long'],
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'malformed_request'],
    ['NUL in the query', get(`${PATH}?a=\0`), 400, 'malformed_request'],
    ['a header folded over lines', get('/healthz', 'X: a\r\n b\r\n'), 400, 'malformed_request'],
    ['space before a colon', get('/healthz', 'Content-Length : 1\r\n'), 400, 'malformed_request'],
    [
      'both lengths (TE and CL)',
      post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
      400,
      'malformed_request',
    ],
    [
      'two lengths',
      post('Content-Length: 3\r\nContent-Length: 4\r\n', 'a=1'),
      400,
      'malformed_request',
    ],
    ['bare line feeds', 'GET /healthz HTTP/1.1\nHost: a\n\n', 400, 'malformed_request'],
  ])('refuses %s', async (_name, text, status, code) => {
    const { port, received } = await listen()
    const response = await sendRaw(port, text)
    expect(statusesOf(response)).toEqual([status])
    if (code !== undefined) expect(response).toContain(`"code":"${code}"`)
    expect(response).not.toMatch(/xxxx|%E0/) // says nothing of what was sent
    expect(received).toEqual([])
  })

  it('refuses a body of 2 MB without reading it', async () => {
    const { port, received } = await listen()
    const headers = 'Content-Type: application/json\r\nContent-Length: 2000000\r\n'
    const response = await sendRaw(port, post(headers, 'x'.repeat(100)))
    expect(statusesOf(response)).toEqual([413])
    expect(response).toContain('"reason":"body_too_large"')
    expect(received).toEqual([])
  })

  it('refuses a chunked body once it is too large', async () => {
    const { port } = await listen()
    const chunk = `2000\r\n${'x'.repeat(0x2000)}\r\n`
    const headers =
      'Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n'
    const response = await sendRaw(port, post(headers, chunk.repeat(3)))
    expect(statusesOf(response)).toEqual([413])
  })

  it('takes a body of 16 KB', async () => {
    const { port, received } = await listen()
    const body = `a=${'x'.repeat(16 * 1024 - 2)}`
    const headers = `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n`
    expect(statusesOf(await sendRaw(port, post(headers, body)))).toEqual([200])
    expect(received).toMatchObject([{ text: { body } }])
  })

  it('answers 1000 pipelined requests in order', async () => {
    const { port, received } = await listen({
      postbackLimits: { perCall: { perSecond: 1, burst: 1_000 } },
    })
    const one = (count: number) => `GET ${PATH}?key=${KEY}&n=${count} HTTP/1.1\r\nHost: a\r\n\r\n`
    const connection = openRaw(port)
    connection.send(Array.from({ length: 1_000 }, (_, n) => one(n)).join(''))
    const statuses = await waitFor(
      () => {
        const seen = statusesOf(connection.received())
        return seen.length === 1_000 && seen
      },
      { what: '1000 answers' },
    )
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(received.map(({ text }) => text.query)).toEqual(
      Array.from({ length: 1_000 }, (_, n) => `key=&n=${n}`),
    )
  })

  it('does not let rubbish behind a request answer for it', async () => {
    const stored = Promise.withResolvers<never>()
    const { port } = await listen({ receivePostback: () => stored.promise })
    const good = `GET ${PATH}?key=${KEY} HTTP/1.1\r\nHost: a\r\n\r\n`
    const response = await sendRaw(port, `${good}rubbish\r\n\r\n`)
    expect(response).toBe('') // and no 400 that would be read as the postback's
    stored.reject(new Error('the test is over'))
  })

  it('takes the whole URL as the request target (RFC 9112 §3.2.2)', async () => {
    const { port, received } = await listen()
    const response = await sendRaw(port, get(`http://a${PATH}?key=${KEY}`))
    expect(statusesOf(response)).toEqual([200])
    expect(received).toMatchObject([{ text: { query: 'key=' } }])
  })

  it('goes on answering after all of it', async () => {
    const { port } = await listen()
    for (const text of ['\0\0\0', 'GET', '\r\n\r\n', get('*')]) openRaw(port).send(text)
    expect(statusesOf(await sendRaw(port, get('/healthz')))).toEqual([200])
  })
})

describe('slow requests (F33)', () => {
  const timeouts = { headersMs: 200, requestMs: 400, silenceMs: 2_000 }

  it.each([
    ['headers', 'GET /healthz HTTP/1.1\r\nX: '],
    ['a body', `POST ${PATH}?key=${KEY} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n`],
  ])('ends a connection that drips %s', async (_name, start) => {
    const { port } = await listen({ timeouts })
    const connection = openRaw(port)
    connection.send(start)
    const drip = setInterval(() => connection.send('x'), 50)
    onTestFinished(() => clearInterval(drip))
    expect(statusesOf(await connection.closed())).toEqual([408])
  })

  it('ends a connection that says nothing', async () => {
    const { port } = await listen({ timeouts })
    expect(statusesOf(await openRaw(port).closed())).toEqual([408])
  })
})

describe('answers', () => {
  it.each([
    ['GET', '/nowhere?key=secret', 404],
    ['POST', '/healthz', 404],
    ['HEAD', '/api/v1/calls', 404],
    ['PUT', PATH, 404],
  ] as const)('has nothing at %s %s', async (method, url, status) => {
    const { app } = openTestServer()
    const response = await app.inject({ method, url })
    expect(response.statusCode).toBe(status)
    expect(response.headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-type': 'application/problem+json; charset=utf-8',
    })
    if (method === 'HEAD') return
    expect(response.json()).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      code: 'not_found',
      detail: 'There is nothing here.',
    })
  })
})

describe('startHttp', () => {
  it('says where it listens', async () => {
    const { app } = openTestServer()
    const { url, port } = await startHttp(app, LOCAL)
    expect(url).toBe(`http://127.0.0.1:${port}`)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('names a port that is in use, and what to set', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    await expect(
      startHttp(openTestServer().app, { host: '127.0.0.1', port }),
    ).rejects.toMatchObject({
      name: 'AppError',
      code: 'port_in_use',
      message: `HTTP 127.0.0.1:${port} is in use: stop what listens there, or set HTTP_PORT to another port (0 takes a free one).`,
    })
  })

  it('names an address that is not ours', async () => {
    await expect(
      startHttp(openTestServer().app, { host: '192.0.2.1', port: 0 }),
    ).rejects.toMatchObject({ code: 'invalid_configuration' })
  })

  it('answers what has arrived before it closes, and takes nothing new', async () => {
    const stored = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    const { app } = openTestServer({
      receivePostback: async () => {
        arrived.resolve()
        await stored.promise
        return {
          httpStatus: 200,
          status: 'pending',
          reason: 'call_in_progress',
          conversion: 'undecided',
          revenue: null,
          payout: null,
        }
      },
    })
    const server = await startHttp(app, { ...LOCAL, closeGraceMs: 60_000 })
    const connection = openRaw(server.port)
    connection.send(`GET ${PATH}?key=${KEY} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await arrived.promise
    const closing = server.close()
    await waitFor(() => isRefused(server.port), { what: 'new connections to be refused' })
    stored.resolve()
    expect(statusesOf(await connection.closed())).toEqual([200])
    await closing
  })

  it('closes although a client never finishes its request', async () => {
    const { app } = openTestServer()
    const server = await startHttp(app, { ...LOCAL, closeGraceMs: 100 })
    const connection = openRaw(server.port)
    connection.send(`POST ${PATH}?key=${KEY} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n`)
    await waitFor(() => countConnections(app), { what: 'the connection' })
    await server.close()
    await connection.closed()
  })
})

async function countConnections(app: ReturnType<typeof openTestServer>['app']): Promise<boolean> {
  return new Promise((resolve) => {
    app.server.getConnections((_error, count) => resolve(count > 0))
  })
}

async function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', () => resolve(true))
  })
}
