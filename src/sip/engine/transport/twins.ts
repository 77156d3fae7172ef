import type { Socket } from 'node:dgram'
import { type Hop, hopKey } from './transport.ts'

/** Destinations whose refusals are listened for at the same time. */
const TWINS_MAX = 256

/**
 * How long nothing may have been sent to a destination before another one takes its place: 64·T1, after which
 * nobody waits for it to refuse anything.
 */
const UNUSED_MS = 32_000

/** What twins are made with. */
export interface TwinOptions {
  readonly open: () => Socket
  /** Gives a socket the listener's own address. */
  readonly bind: (twin: Socket) => void
  readonly receive: (message: Buffer, from: { address: string; port: number }) => void
  readonly unreachable: (to: Hop) => void
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number
}

/** Sockets that hear of refusals. */
export interface Twins {
  /** Has the refusals of a destination heard from now on, if there is a place for it. */
  readonly watch: (to: Hop) => void
  readonly size: () => number
  readonly close: () => void
}

interface Twin {
  readonly socket: Socket
  isConnected: boolean
  watchedAtMs: number
}

/**
 * Sockets on the listener's own address, each connected to one destination. Only a connected
 * socket is told by the operating system that a port refuses packets (ICMP); the packets themselves
 * go out through the listening socket. Where the platform does not allow it, or there are too many
 * destinations or files, refusals are found by timeout.
 */
export function createTwins({ bind, now, open, receive, unreachable }: TwinOptions): Twins {
  const twins = new Map<string, Twin>()
  const drop = (key: string, twin: Twin): void => {
    if (twins.get(key) !== twin) return
    twins.delete(key)
    twin.socket.close()
  }
  const connect = (to: Hop, key: string): void => {
    const socket = open()
    const twin: Twin = { socket, isConnected: false, watchedAtMs: now() }
    twins.set(key, twin)
    socket.on('message', receive)
    socket.once('connect', () => {
      twin.isConnected = true
    })
    socket.on('error', (error) => {
      const wasRefused = isRefusal(error)
      if (wasRefused) unreachable(to)
      // Else it is the socket's own trouble: the packets went out. One that is connected to nobody hears of no
      // refusal, and would be given the packets of all who send to the listener.
      if (!wasRefused || !twin.isConnected) drop(key, twin)
    })
    bind(socket)
    if (twins.get(key) !== twin) return // it could not be had
    socket.connect(to.port, to.address)
    socket.unref()
  }
  const watch = (to: Hop): void => {
    if (to.port === 0) return // nobody can be there to refuse
    const key = hopKey(to)
    const known = twins.get(key)
    if (known) {
      known.watchedAtMs = now()
      twins.delete(key)
      twins.set(key, known)
      return
    }
    if (hasPlace()) connect(to, key)
  }
  /** A socket that is closed takes the packets with it that are in it: none is while it may have any. */
  const hasPlace = (): boolean => {
    if (twins.size < TWINS_MAX) return true
    for (const [key, oldest] of twins) {
      if (now() - oldest.watchedAtMs < UNUSED_MS) return false
      drop(key, oldest)
      return true
    }
    return true
  }
  const close = (): void => {
    for (const [key, twin] of twins) drop(key, twin)
  }
  return { watch, size: () => twins.size, close }
}

/** What routers and hosts say about packets, and not this machine about its sockets. */
function isRefusal(error: Error): boolean {
  return 'code' in error && REFUSALS.has(String(error.code))
}

const REFUSALS: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'])
