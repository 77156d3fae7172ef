import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { type Application, createRoutes, type Routes } from './applications.ts'
import { createFrameReader, frame } from './framing.ts'
import {
  answerPayload,
  type ApplicationMessage,
  parseApplicationMessage,
  type SipMessageFrame,
} from './messages.ts'

/** What the control server tells the rest of the engine. */
export interface ControlEvents {
  readonly onSip: (application: Application, message: SipMessageFrame) => void
  /** The connection of an authenticated application has ended. */
  readonly onGone: (application: Application) => void
}

export interface ControlOptions {
  readonly host: string
  readonly port: number
  readonly secret: string
  /** Listening addresses as the client is told of them: `udp/127.0.0.1:5060,…`. */
  readonly hostports: () => string
  /** How long a connection may stay without authenticating: 10 s. */
  readonly authenticationMs?: number
}

/** The control port, where applications connect. */
export interface ControlServer {
  readonly host: string
  readonly port: number
  readonly routes: Routes
  readonly connections: () => number
  readonly close: () => Promise<void>
}

/** What clients take for the version of drachtio-server: one that answers pings. */
const SPOKEN_VERSION = 'v0.9.10-1-bridgeback'

/** More than an application can have in flight: who reads so slowly is as good as gone. */
const UNREAD_BYTES_MAX = 64 * 1024 * 1024

/** Connections at a time, authenticated or not. */
const CONNECTIONS_MAX = 64

const AUTHENTICATION_MS = 10_000

/**
 * Listens for applications. Nothing but `authenticate` is accepted from a connection until it has
 * shown the secret (drachtio-server accepts anything).
 *
 * @throws the socket's error if the address cannot be listened on
 */
export async function startControlServer(
  options: ControlOptions,
  events: ControlEvents,
): Promise<ControlServer> {
  const routes = createRoutes()
  const sockets = new Set<Socket>()
  let lastId = 0
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    if (sockets.size >= CONNECTIONS_MAX) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    lastId++
    serveConnection(socket, lastId, { options, events, routes })
  })
  server.listen({ host: options.host, port: options.port, exclusive: true })
  await once(server, 'listening')
  return {
    host: options.host,
    port: portOf(server),
    routes,
    connections: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

interface Connection {
  readonly options: ControlOptions
  readonly events: ControlEvents
  readonly routes: Routes
}

function serveConnection(socket: Socket, id: number, connection: Connection): void {
  const { options, events, routes } = connection
  const reader = createFrameReader()
  const application = createApplication(socket, id)
  let authenticated = false
  const { authenticationMs = AUTHENTICATION_MS } = options
  // Not the socket's own timeout, which every byte puts off.
  const deadline = setTimeout(() => socket.destroy(), authenticationMs)

  const refuse = (message: ApplicationMessage, reason: string): void => {
    application.send(answerPayload(message.id, 'NO', reason))
    setImmediate(() => {
      socket.end()
    })
  }
  const handle = (message: ApplicationMessage): boolean => {
    if (authenticated) return serve(application, message, connection, refuse)
    if (message.type !== 'authenticate' || !isSecret(message.secret, options.secret)) {
      refuse(message, 'incorrect secret')
      return false
    }
    authenticated = true
    clearTimeout(deadline)
    const hostports = options.hostports()
    application.send(answerPayload(message.id, 'OK', hostports, SPOKEN_VERSION, hostports))
    return true
  }

  let refused = false
  socket.on('data', (chunk: Buffer) => {
    if (refused) return
    const frames = reader.push(chunk.toString('latin1'))
    for (const payload of frames ?? [])
      if (!refused && !handle(parseApplicationMessage(payload))) refused = true
    if (frames === undefined) socket.destroy()
  })
  socket.on('error', () => undefined) // 'close' follows, and that is what counts
  socket.on('close', () => {
    clearTimeout(deadline)
    routes.removeAll(application)
    if (authenticated) events.onGone(application)
  })
}

/** Carries out one message of an authenticated application; false if the connection must end. */
function serve(
  application: Application,
  message: ApplicationMessage,
  { events, routes }: Connection,
  refuse: (message: ApplicationMessage, reason: string) => void,
): boolean {
  switch (message.type) {
    case 'sip':
      events.onSip(application, message)
      return true
    case 'route':
      routes.add(message.verb, application)
      application.send(answerPayload(message.id, 'OK'))
      return true
    case 'remove_route':
      routes.remove(message.verb, application)
      application.send(answerPayload(message.id, 'OK'))
      return true
    case 'ping':
      application.send(answerPayload(message.id, 'OK', 'pong'))
      return true
    case 'authenticate':
      application.send(answerPayload(message.id, 'OK'))
      return true
    case 'proxy':
      application.send(answerPayload(message.id, 'NOK', 'proxy not supported'))
      return true
    case 'unknown':
      refuse(message, 'Unknown message type')
      return false
  }
}

function createApplication(socket: Socket, id: number): Application {
  let outgoing: string[] = []
  const flush = (): void => {
    const text = outgoing.join('')
    outgoing = []
    if (socket.destroyed) return
    socket.write(text, 'latin1')
    if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy()
  }
  return {
    id,
    send: (payload) => {
      if (outgoing.length === 0) setImmediate(flush)
      outgoing.push(frame(payload))
    },
    isConnected: () => !socket.destroyed,
  }
}

/** Compares in constant time, whatever the lengths. */
function isSecret(offered: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'latin1').digest()
  return timingSafeEqual(digest(offered), digest(Buffer.from(secret).toString('latin1')))
}
