import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { looksLikeIPv6 } from '../message/uri.ts'
import type { ConnectionLimits } from '../options.ts'
import { advertisedHost } from './advertised.ts'
import { createPlaces, type Places } from './places.ts'
import { createStreamReader } from './stream-reader.ts'
import { type Hop, hopKey, type Listener, type ListenerSizes, type Reports } from './transport.ts'

const UNREAD_BYTES_MAX = 1024 * 1024

/** Limits of a listener's connections unless others are given. */
export const CONNECTION_LIMITS: ConnectionLimits = {
  total: 4_096,
  perSource: 20,
  perExemptSource: 400,
  messageMs: 10_000,
  idleMs: 120_000,
  connectMs: 4_000,
}

/** What a listener for streams is started with. */
export interface StreamOptions {
  readonly host: string
  readonly port: number
  readonly publicHost: string | undefined
  readonly limits: ConnectionLimits
}

/** What tells one kind of stream from another. */
export interface StreamKind {
  readonly transport: 'tcp' | 'tls'
  /**
   * Gives what takes in an accepted socket. It calls `ready` with the stream that SIP is read from, if it
   * comes to that, and closes what fails.
   */
  readonly accepting: (ready: (stream: Socket) => void) => (socket: Socket) => void
  /** Begins to connect. */
  readonly open: (to: Hop) => Socket
  /** The event that says that an opened stream can carry messages. */
  readonly readyEvent: 'connect' | 'secureConnect'
}

interface Connection {
  readonly id: number
  readonly socket: Socket
  readonly hop: Hop
  /** Whether anything of ours is on its way there that a closing connection would lose. */
  hasSent: boolean
}

/** All connections of one listener, those it accepted and those it opened. */
interface Connections {
  readonly kind: StreamKind
  readonly limits: ConnectionLimits
  readonly reports: Reports
  readonly byId: Map<number, Connection>
  /** The latest one to each address and port. */
  readonly byHop: Map<string, Connection>
  /** Sockets as they came, with or without a handshake. */
  readonly accepted: Set<Socket>
  readonly opened: Set<Socket>
  readonly places: Places
  /** Filled in as soon as it listens. */
  listener: Listener | undefined
}

/**
 * Listens on one address for connections of a kind. Requests go out on a connection that is open to
 * their destination, or on a new one; responses on the connection their request came on, while it
 * stands.
 *
 * @see RFC 3261 §18
 * @throws the socket's error if the address cannot be listened on
 */
export async function listenStreams(
  kind: StreamKind,
  options: StreamOptions,
  reports: Reports,
): Promise<Listener> {
  const { host, limits, port, publicHost } = options
  const connections: Connections = {
    kind,
    limits,
    reports,
    byId: new Map(),
    byHop: new Map(),
    accepted: new Set(),
    opened: new Set(),
    places: createPlaces(limits, reports.isExempt),
    listener: undefined,
  }
  const accept = kind.accepting((stream) => {
    const { remoteAddress: address, remotePort: port } = stream
    if (address === undefined || port === undefined) stream.destroy()
    else limitIdle(connections, serve(connections, stream, { address, port }))
  })
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    if (isAdmitted(connections, socket)) accept(socket)
    else socket.destroy()
  })
  server.listen({ host, port, exclusive: true, ipv6Only: looksLikeIPv6(host) })
  await once(server, 'listening')
  server.on('error', () => undefined) // of one connection that could not be accepted
  const taken = portOf(server) ?? port
  const listener: Listener = {
    transport: kind.transport,
    reliable: true,
    family: looksLikeIPv6(host) ? 6 : 4,
    host,
    port: taken,
    sentBy: { host: publicHost ?? advertisedHost(host), port: taken },
    send: (text, to) => {
      const connection = find(connections, to) ?? open(connections, to)
      if (connection) write(connections, connection, text)
      else reports.unreachable(to)
    },
    watch: () => undefined,
    sizes: () => sizesOf(connections),
    close: async () => {
      server.close()
      const { accepted, opened } = connections
      for (const socket of [...accepted, ...opened]) socket.destroy()
      await once(server, 'close')
    },
  }
  connections.listener = listener
  return listener
}

function sizesOf({ accepted, byHop, byId, opened, places }: Connections): ListenerSizes {
  const connections = accepted.size + opened.size
  return {
    sockets: 1 + connections,
    connections,
    connectionKeys: byId.size + byHop.size,
    connectionPlaces: places.taken(),
    connectionSources: places.sources(),
  }
}

function portOf(server: Server): number | undefined {
  const address = server.address()
  return typeof address === 'object' ? address?.port : undefined
}

function isAdmitted({ accepted, places, reports }: Connections, socket: Socket): boolean {
  const { remoteAddress: address } = socket
  const isWelcome = address !== undefined && reports.isWelcome(address)
  const leave = isWelcome ? places.take(address) : undefined
  if (leave) {
    socket.on('error', () => undefined) // 'close' follows, and that is what counts
    accepted.add(socket)
    socket.once('close', () => {
      accepted.delete(socket)
      leave()
    })
  }
  reports.count(leave ? 'connectionsAccepted' : 'connectionsRefused')
  return leave !== undefined
}

function find({ byHop, byId }: Connections, to: Hop): Connection | undefined {
  return byId.get(to.connectionId ?? 0) ?? byHop.get(hopKey(to))
}

/** Undefined if there are too many of them already. */
function open(connections: Connections, to: Hop): Connection | undefined {
  const { kind, limits, opened, reports } = connections
  if (opened.size >= limits.total) return undefined
  reports.count('connectionsOpened')
  const socket = kind.open(to)
  opened.add(socket)
  const connection = serve(connections, socket, to)
  const deadline = setTimeout(() => socket.destroy(), to.connectMs ?? limits.connectMs)
  socket.once('close', () => {
    opened.delete(socket)
    clearTimeout(deadline)
  })
  socket.once(kind.readyEvent, () => {
    clearTimeout(deadline)
    limitIdle(connections, connection)
  })
  return connection
}

function write({ reports }: Connections, connection: Connection, text: string): void {
  const { socket } = connection
  connection.hasSent = true
  socket.write(text, 'latin1')
  if (socket.writableLength <= UNREAD_BYTES_MAX) return
  reports.count('connectionsNotReading')
  socket.destroy()
}

let lastId = 0

function serve(
  connections: Connections,
  socket: Socket,
  { address, port, name }: Pick<Hop, 'address' | 'port' | 'name'>,
): Connection {
  const { byHop, byId, kind, reports } = connections
  lastId++
  const { transport } = kind
  const hop: Hop = { transport, address, port, connectionId: lastId, ...(name && { name }) }
  const connection = { id: lastId, socket, hop, hasSent: false }
  const key = hopKey(hop)
  byId.set(connection.id, connection)
  byHop.set(key, connection)
  readMessages(connections, connection)
  socket.on('error', () => undefined)
  socket.on('close', () => {
    byId.delete(connection.id)
    if (byHop.get(key) === connection) byHop.delete(key)
    if (connection.hasSent) reports.unreachable(hop)
  })
  return connection
}

function readMessages(connections: Connections, { hop, socket }: Connection): void {
  const { limits, listener, reports } = connections
  const reader = createStreamReader()
  let deadline: NodeJS.Timeout | undefined
  const end = (counter: 'connectionsNotSip' | 'connectionsTooSlow'): void => {
    reports.count(counter)
    socket.destroy()
  }
  socket.on('data', (bytes: Buffer) => {
    const reading = reader.push(bytes.toString('latin1'))
    if (!reading) {
      end('connectionsNotSip')
      return
    }
    // It runs from the first byte of a message: bytes that trickle in do not prolong it.
    if (!reading.isPartial || reading.messages.length > 0) {
      clearTimeout(deadline)
      deadline = undefined
    }
    if (reading.isPartial) deadline ??= setTimeout(end, limits.messageMs, 'connectionsTooSlow')
    if (reading.isPinged) socket.write('\r\n')
    if (listener) for (const message of reading.messages) reports.receive(message, hop, listener)
  })
  socket.on('close', () => {
    clearTimeout(deadline)
  })
}

/**
 * Ends a connection without a byte for so long, unless a call may still need it: then the other end is
 * sent a keep-alive, which finds out whether it is there. @see RFC 5626 §4.4.1
 */
function limitIdle({ limits, listener, reports }: Connections, { hop, socket }: Connection): void {
  socket.setTimeout(limits.idleMs, () => {
    if (listener && reports.isNeeded(hop, listener)) {
      reports.count('keepAlivesSent')
      socket.write('\r\n\r\n')
      socket.setTimeout(limits.idleMs)
      return
    }
    reports.count('connectionsIdle')
    socket.destroy()
  })
}
