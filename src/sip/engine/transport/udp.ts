import { createSocket, type Socket } from 'node:dgram'
import { looksLikeIPv6 } from '../message/uri.ts'
import { MACHINE_CLOCK } from '../transaction/clock.ts'
import { advertisedHost } from './advertised.ts'
import { type Hop, type Listener, NO_STREAMS, type Reports } from './transport.ts'
import { createTwins } from './twins.ts'

/** Large enough for a burst of a thousand calls while the event loop is busy. */
const BUFFER_BYTES = 4 * 1024 * 1024

/** Addresses are never looked up here, and the answer has to come at once. */
const literalLookup = (
  host: string,
  _options: unknown,
  done: (error: Error | null, address: string, family: number) => void,
): void => {
  done(null, host, looksLikeIPv6(host) ? 6 : 4)
}

/**
 * Listens on one UDP address.
 *
 * @throws the socket's error if the address cannot be listened on
 */
export async function listenUdp(
  { host, port, publicHost }: { host: string; port: number; publicHost: string | undefined },
  reports: Reports,
): Promise<Listener> {
  const family = looksLikeIPv6(host) ? 6 : 4
  const open = (): Socket => openSocket(family)
  const taken = await claimPort(family, host, port)
  const socket = open()
  await bind(socket, host, taken)
  growBuffers(socket)
  const receive = (message: Buffer, from: { address: string; port: number }): void => {
    const hop: Hop = { transport: 'udp', address: from.address, port: from.port }
    reports.receive(message.toString('latin1'), hop, listener)
  }
  let closed = false
  const bindTwin = (twin: Socket): void => {
    twin.bind({ address: host, port: taken, exclusive: true }, () => {
      growBuffers(twin)
    })
  }
  const { unreachable } = reports
  const twins = createTwins({ open, bind: bindTwin, receive, unreachable, now: MACHINE_CLOCK.now })
  const listener: Listener = {
    transport: 'udp',
    reliable: false,
    family,
    host,
    port: taken,
    sentBy: { host: publicHost ?? advertisedHost(host), port: taken },
    send: (text, to) => {
      if (closed) return
      if (to.port === 0) {
        reports.unreachable(to) // DNS may name it; the socket would throw
        return
      }
      socket.send(Buffer.from(text, 'latin1'), to.port, to.address, (error) => {
        if (error) reports.unreachable(to)
      })
    },
    watch: twins.watch,
    sizes: () => ({ ...NO_STREAMS, sockets: 1 + twins.size() }),
    close: async () => {
      closed = true
      twins.close()
      await closeSocket(socket)
    },
  }
  socket.on('message', receive)
  socket.on('error', () => undefined) // a refusal that came without an address: timers will tell
  return listener
}

const openSocket = (family: 4 | 6): Socket =>
  createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    reuseAddr: true,
    ipv6Only: family === 6,
    lookup: literalLookup,
  })

/**
 * Makes sure that nobody else has the port, and says which it is. The sockets themselves share
 * their address, and then the operating system would let a second engine share it too.
 */
async function claimPort(family: 4 | 6, host: string, port: number): Promise<number> {
  const probe = createSocket({ type: family === 6 ? 'udp6' : 'udp4', ipv6Only: family === 6 })
  await bind(probe, host, port)
  const taken = probe.address().port
  await closeSocket(probe)
  return taken
}

function bind(socket: Socket, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('error', reject)
  socket.bind({ address: host, port, exclusive: true }, () => {
    socket.off('error', reject)
    resolve()
  })
  return promise
}

function closeSocket(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.close(resolve)
  return promise
}

/** The system may allow less than is asked for; then it stays at what it allows. */
function growBuffers(socket: Socket): void {
  try {
    socket.setRecvBufferSize(BUFFER_BYTES)
    socket.setSendBufferSize(BUFFER_BYTES)
  } catch {
    // Smaller buffers only mean more retransmissions under load.
  }
}
