import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { attempt } from '../../src/delivery/attempt.ts'
import { waitFor } from '../support/wait.ts'
import { aDispatcher, aRequest, failed, send } from './support/attempts.ts'
import { CERTIFICATE, EXPIRED_CERTIFICATE } from './support/certificates.ts'
import { startRawReceiver, startReceiver } from './support/receiver.ts'

describe('a receiver that misbehaves (B14)', () => {
  const DEADLINE_MS = 300
  const drip = (socket: Socket, bytes: string) => {
    const timer = setInterval(() => socket.write(bytes), 20)
    socket.on('close', () => clearInterval(timer))
  }
  /** Once somebody has asked, says something. */
  const onRequest = (say: (socket: Socket) => void) => (socket: Socket) =>
    socket.once('data', () => say(socket))

  it.each([
    ['accepts and says nothing', (socket) => socket.resume()],
    ['hangs before the headers', onRequest((socket) => socket.write('HTTP/1.1 200 OK\r\n'))],
    [
      'drips headers',
      onRequest((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n')
        drip(socket, 'x: y\r\n')
      }),
    ],
    [
      'drips the body',
      onRequest((socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n')
        drip(socket, 'x')
      }),
    ],
    [
      'keeps saying 103',
      onRequest((socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n')),
    ],
  ] as [string, (socket: Socket) => void][])('%s: ends by the deadline', async (_, behave) => {
    const receiver = await startRawReceiver(behave)
    const report = await send(receiver.origin, { deadlineMs: DEADLINE_MS })

    expect(report.outcome).toEqual(failed('timeout'))
    expect(report.durationMs).toBeLessThan(DEADLINE_MS + 200)
    await waitFor(() => receiver.openCount() === 0, { what: 'the connection to be closed' })
  })

  it('drips the body of an error: the status counts', async () => {
    const receiver = await startRawReceiver(
      onRequest((socket) => {
        socket.write('HTTP/1.1 410 Gone\r\ncontent-length: 100000\r\n\r\n')
        drip(socket, 'x')
      }),
    )
    const { outcome } = await send(receiver.origin, { deadlineMs: DEADLINE_MS })
    expect(outcome).toEqual({ kind: 'refused_forever', status: 410 })
  })

  it('breaks off the body of an error: the status counts', async () => {
    const receiver = await startRawReceiver(
      onRequest((socket) => socket.end('HTTP/1.1 410 Gone\r\ncontent-length: 100\r\n\r\nx')),
    )
    expect((await send(receiver.origin)).outcome).toEqual({ kind: 'refused_forever', status: 410 })
  })

  it('hangs in the TLS handshake: ends by the deadline', async () => {
    const receiver = await startRawReceiver(() => {})
    const report = await send(`https://127.0.0.1:${receiver.port}`, { deadlineMs: DEADLINE_MS })
    expect(report.outcome).toEqual(failed('timeout'))
    expect(report.durationMs).toBeLessThan(DEADLINE_MS + 200)
  })

  it('sends a body without end: 64 KiB are read, then it is cut off', async () => {
    const block = Buffer.alloc(16_384, 'x')
    let written = 0
    const receiver = await startReceiver((_, response) => {
      const more = () => {
        while (!response.destroyed && written < 1e9) {
          written += block.length
          if (!response.write(block)) return
        }
      }
      response.on('drain', more)
      more()
    })
    const { outcome } = await send(receiver.origin)

    expect(outcome).toEqual({ kind: 'delivered', status: 200 })
    await waitFor(() => receiver.openCount() === 0, { what: 'the connection to be closed' })
    // What the two sockets hold between them, and no more.
    expect(written).toBeLessThan(20_000_000)
  })

  it('sends a bomb: it is not inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    expect(bomb.length).toBeLessThan(65_536)
    const receiver = await startReceiver((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    )
    const before = process.memoryUsage.rss()
    const { outcome } = await send(receiver.origin)
    expect(outcome).toEqual({ kind: 'delivered', status: 200 })
    expect(process.memoryUsage.rss() - before).toBeLessThan(20_000_000)
  })

  const REPLIES: [string, string, string][] = [
    ['junk', 'SSH-2.0-OpenSSH_9.6\r\n', 'malformed_answer'],
    ['HTTP/0.9', '<html>hello</html>', 'malformed_answer'],
    [
      '100 KB of headers',
      `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
      'malformed_answer',
    ],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
      'malformed_answer',
    ],
    ['half a body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab', 'connection_lost'],
    ['half a status line', 'HTTP/1.1 2', 'connection_lost'],
    ['nothing', '', 'connection_lost'],
    [
      'a switch of protocols',
      'HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
      'connection_lost',
    ],
  ]
  it.each(REPLIES)('answers with %s: fails', async (_, reply, reason) => {
    const receiver = await startRawReceiver(onRequest((socket) => socket.end(reply)))
    const { outcome } = await send(receiver.origin)
    expect(outcome).toEqual(failed(reason))
    expect(receiver.connectionCount()).toBe(1)
  })

  it('resets after it has accepted: fails', async () => {
    const receiver = await startRawReceiver(onRequest((socket) => socket.resetAndDestroy()))
    expect((await send(receiver.origin)).outcome).toEqual(failed('connection_lost'))
    expect(receiver.connectionCount()).toBe(1)
  })

  it('is not there: fails', async () => {
    const receiver = await startRawReceiver(() => {})
    const gone = createConnection(receiver.port, '127.0.0.1')
    await once(gone, 'connect')
    const { localPort = 0 } = gone
    gone.destroy()
    const { outcome } = await send(`http://127.0.0.1:${localPort}`)
    expect(outcome).toEqual(failed('connection_refused'))
  })

  it('breaks a connection that was kept: one request an attempt, none repeated in silence', async () => {
    let requests = 0
    const receiver = await startRawReceiver((socket) => {
      socket.on('data', () => {
        requests += 1
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
        else socket.resetAndDestroy()
      })
    })
    const dispatcher = aDispatcher()
    await attempt(dispatcher, aRequest(receiver.origin))
    const { outcome } = await attempt(dispatcher, aRequest(receiver.origin))

    expect(outcome).toEqual(failed('connection_lost'))
    expect(requests).toBe(2)
  })

  it('sends a body with the answer to a HEAD: the next request is none the wiser', async () => {
    const receiver = await startRawReceiver((socket) =>
      socket.on('data', () =>
        socket.write(
          'HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 48\r\n\r\n' +
            'HTTP/1.1 500 Oh no\r\ncontent-length: 0\r\n\r\nxxxxxxx',
        ),
      ),
    )
    const dispatcher = aDispatcher()
    for (let n = 0; n < 3; n += 1) {
      const report = await attempt(dispatcher, aRequest(receiver.origin, { method: 'HEAD' }))
      expect(report.outcome).toEqual({ kind: 'delivered', status: 200 })
    }
  })
})

describe('a certificate', () => {
  it('is accepted from an authority that is trusted', async () => {
    const receiver = await startReceiver(undefined, { certificate: CERTIFICATE })
    const report = await attempt(aDispatcher({ ca: CERTIFICATE }), aRequest(receiver.origin))
    expect(report.outcome).toEqual({ kind: 'delivered', status: 200 })
  })

  it.each([
    ['signed by itself', CERTIFICATE, undefined, '127.0.0.1'],
    ['expired', EXPIRED_CERTIFICATE, EXPIRED_CERTIFICATE, '127.0.0.1'],
    ['of another host', CERTIFICATE, CERTIFICATE, 'other.test'],
  ])('is refused when %s', async (_, certificate, ca, host) => {
    const receiver = await startReceiver(undefined, { certificate })
    const resolve = () => Promise.resolve(['127.0.0.1'])
    const dispatcher = aDispatcher({ resolve, ...(ca && { ca }) })
    const report = await attempt(dispatcher, aRequest(`https://${host}:${receiver.port}/`))
    expect(report.outcome).toEqual(failed('tls_failed'))
    expect(receiver.requests).toEqual([])
  })

  describe('while the environment turns checks off', () => {
    afterEach(() => {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    })

    it('is checked all the same', async () => {
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
      const receiver = await startReceiver(undefined, { certificate: CERTIFICATE })
      expect((await send(receiver.origin)).outcome).toEqual(failed('tls_failed'))
    })
  })
})
