import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server,
  type Socket,
} from 'node:net'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { KEY } from './certificates.ts'

/** What a receiver has been sent. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Somebody else's server, on loopback, closed at the end of the test. */
export interface Receiver {
  readonly port: number
  /** Without a slash at the end. */
  readonly origin: string
  readonly requests: readonly ReceivedRequest[]
  /** Connections ever accepted. */
  connectionCount(): number
  /** Connections that are open now. */
  openCount(): number
}

type Answer = (request: ReceivedRequest, response: ServerResponse) => void

/** Answers each request as told; 200 without a body unless said. */
export async function startReceiver(
  answer: Answer = (_, response) => response.end(),
  options: { certificate?: string } = {},
): Promise<Receiver> {
  const requests: ReceivedRequest[] = []
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void buffer(request).then((body) => {
      const received = toReceived(request, body.toString())
      requests.push(received)
      answer(received, response)
    })
  }
  const { certificate } = options
  const server = certificate
    ? createTlsServer({ key: KEY, cert: certificate }, listener)
    : createServer(listener)
  const receiver = await listen(server, requests)
  return { ...receiver, origin: `${certificate ? 'https' : 'http'}://127.0.0.1:${receiver.port}` }
}

/** Does with each connection as told, in bytes. */
export function startRawReceiver(onConnection: (socket: Socket) => void): Promise<Receiver> {
  return listen(createNetServer(onConnection), [])
}

function toReceived(request: IncomingMessage, body: string): ReceivedRequest {
  const { method = '', url: path = '', headers } = request
  return { method, path, headers, body }
}

async function listen(server: Server, requests: ReceivedRequest[]): Promise<Receiver> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // What the other side breaks off is not this side's failure.
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    requests,
    connectionCount: () => connections,
    openCount: () => sockets.size,
  }
}
