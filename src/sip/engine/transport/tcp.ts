import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { looksLikeIPv6 } from '../message/uri.ts'
import { advertisedHost } from './advertised.ts'
import { createStreamReader } from './stream-reader.ts'
import { type Hop, hopKey, type Listener, type Reports } from './transport.ts'

/** How long a message may take to arrive once it has begun. */
const MESSAGE_MS = 10_000

/** Connections without a byte for so long are closed; a dialog on them opens another. */
const IDLE_MS = 30 * 60_000

const CONNECT_MS = 4_000
const CONNECTIONS_MAX = 4_096
const CONNECTIONS_PER_SOURCE_MAX = 20
const UNREAD_BYTES_MAX = 1024 * 1024

interface Connection {
  readonly id: number
  readonly socket: Socket
  readonly hop: Hop
  /** Whether anything of ours is on its way there that a closing connection would lose. */
  hasSent: boolean
}

/** All connections of one listener, those it accepted and those it opened. */
interface Connections {
  readonly byId: Map<number, Connection>
  /** The latest one to each address and port. */
  readonly byHop: Map<string, Connection>
}

/**
 * Listens on one TCP address. Requests go out on a connection that is open to their destination,
 * or on a new one; responses on the connection their request came on, while it stands.
 *
 * @see RFC 3261 §18
 * @throws the socket's error if the address cannot be listened on
 */
export async function listenTcp(
  { host, port, publicHost }: { host: string; port: number; publicHost: string | undefined },
  reports: Reports,
): Promise<Listener> {
  const connections: Connections = { byId: new Map(), byHop: new Map() }
  const serve = (socket: Socket, to: { address: string; port: number }): Connection =>
    serveConnection(socket, to, connections, {
      receive: (text, from) => {
        reports.receive(text, from, listener)
      },
      lost: reports.unreachable,
    })
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    const { remoteAddress: address, remotePort: port } = socket
    if (address === undefined || port === undefined || isFull(connections, address))
      socket.destroy()
    else serve(socket, { address, port })
  })
  server.listen({ host, port, exclusive: true, ipv6Only: looksLikeIPv6(host) })
  await once(server, 'listening')
  server.on('error', () => undefined) // of one connection that could not be accepted
  const taken = portOf(server) ?? port
  const listener: Listener = {
    transport: 'tcp',
    reliable: true,
    family: looksLikeIPv6(host) ? 6 : 4,
    host,
    port: taken,
    sentBy: { host: publicHost ?? advertisedHost(host), port: taken },
    send: (text, to) => {
      write(find(connections, to) ?? serve(open(to), to), text)
    },
    watch: () => undefined,
    sockets: () => 1 + connections.byId.size,
    close: async () => {
      server.close()
      for (const { socket } of connections.byId.values()) socket.destroy()
      await once(server, 'close')
    },
  }
  return listener
}

function portOf(server: Server): number | undefined {
  const address = server.address()
  return typeof address === 'object' ? address?.port : undefined
}

function open({ address, port }: Hop): Socket {
  return connect({ host: address, port, noDelay: true, keepAlive: true })
}

function find({ byHop, byId }: Connections, to: Hop): Connection | undefined {
  return byId.get(to.connectionId ?? 0) ?? byHop.get(hopKey(to))
}

function write(connection: Connection, text: string): void {
  const { socket } = connection
  connection.hasSent = true
  socket.write(text, 'latin1')
  if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy()
}

function isFull({ byId }: Connections, address: string): boolean {
  if (byId.size >= CONNECTIONS_MAX) return true
  let same = 0
  for (const { hop } of byId.values()) if (hop.address === address) same++
  return same >= CONNECTIONS_PER_SOURCE_MAX
}

interface Handlers {
  readonly receive: (text: string, from: Hop) => void
  /** The connection has ended, and what was sent on it may not have arrived. */
  readonly lost: (to: Hop) => void
}

let lastId = 0

function serveConnection(
  socket: Socket,
  { address, port }: { readonly address: string; readonly port: number },
  { byHop, byId }: Connections,
  handlers: Handlers,
): Connection {
  lastId++
  const hop: Hop = { transport: 'tcp', address, port, connectionId: lastId }
  const connection = { id: lastId, socket, hop, hasSent: false }
  const key = hopKey(hop)
  byId.set(connection.id, connection)
  byHop.set(key, connection)
  limitTime(socket)
  readMessages(socket, (text) => {
    handlers.receive(text, hop)
  })
  socket.on('error', () => undefined) // 'close' follows, and that is what counts
  socket.on('close', () => {
    byId.delete(connection.id)
    if (byHop.get(key) === connection) byHop.delete(key)
    if (connection.hasSent) handlers.lost(hop)
  })
  return connection
}

function readMessages(socket: Socket, receive: (text: string) => void): void {
  const reader = createStreamReader()
  let deadline: NodeJS.Timeout | undefined
  socket.on('data', (bytes: Buffer) => {
    const reading = reader.push(bytes.toString('latin1'))
    clearTimeout(deadline)
    if (!reading) {
      socket.destroy()
      return
    }
    if (reading.isPartial) deadline = setTimeout(() => socket.destroy(), MESSAGE_MS)
    if (reading.isPinged) socket.write('\r\n')
    for (const message of reading.messages) receive(message)
  })
  socket.on('close', () => {
    clearTimeout(deadline)
  })
}

function limitTime(socket: Socket): void {
  socket.setTimeout(socket.connecting ? CONNECT_MS : IDLE_MS, () => socket.destroy())
  socket.once('connect', () => {
    socket.setTimeout(IDLE_MS)
  })
}
