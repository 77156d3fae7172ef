import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** The client's connection to the SIP server, made again whenever it is gone. */
export interface Wire extends EventEmitter {
  closing?: boolean
  readonly reconnectVars: { readonly retryTimer: NodeJS.Timeout | null }
  /** The latest one, unless that is the first. */
  readonly socket?: Socket
  send(socket: Socket, message: string): unknown
}

/** Where a SIP server is. */
export interface SipServer {
  readonly host: string
  readonly port: number
  readonly secret: string
  /** How soon it is taken for gone when it says nothing more. */
  readonly watch?: WatchTimes
}

/** How a server that has vanished is found out. */
export interface WatchTimes {
  /** How often it is asked for a sign of life. */
  readonly pingMs: number
  /** How many pings go by without one, until the connection is given up. */
  readonly silentPingsMax: number
  /** The same for a connection that is not made yet. */
  readonly connectPingsMax: number
}

export interface ServerWatch {
  /** Begins to ask for signs of life: the server has let us in. */
  readonly start: (serverVersion: string | undefined) => void
  /** When the server was last known to be there, on the monotonic clock. */
  readonly heardAtMs: () => number
  /** Ends the connection for good. */
  readonly disconnect: () => void
}

/**
 * Five seconds of a call's length are lost at most, as with a process that dies (docs/sip.md). A network that is
 * away for 25 seconds is bridged by TCP itself, whose next packet comes then: calls are not given up for that.
 */
const WATCH_TIMES: WatchTimes = { pingMs: 5_000, silentPingsMax: 8, connectPingsMax: 2 }

/** One connection, and how it is known to stand. */
interface Watched {
  readonly socket: Socket
  silentPings: number
  heardAtMs: number
  state: 'begun' | 'pinged' | 'left_alone'
}

/**
 * Gives up a connection on which nothing comes any more: a host that is down or a firewall that has forgotten us
 * sends no FIN, and the operating system would go on for a quarter of an hour. The client's own pings do not see
 * that, since it does not look for their answers. Silence is counted in pings and not by a clock: while this
 * process itself stands still, neither goes on.
 */
export function watchServer(wire: Wire, times = WATCH_TIMES): ServerWatch {
  let watched: Watched | undefined
  const watch = (socket: Socket): Watched => {
    if (watched?.socket === socket) return watched
    return (watched = { socket, silentPings: 0, heardAtMs: performance.now(), state: 'begun' })
  }
  const ping = () => {
    const current = wire.socket ? watch(wire.socket) : watched
    if (!current || current.socket.destroyed || current.state === 'left_alone') return
    const { socket } = current
    const max = socket.connecting ? times.connectPingsMax : times.silentPingsMax
    if (++current.silentPings > max)
      socket.destroy(new Error(`No sign of life for ${max * times.pingMs} ms.`))
    else if (current.state === 'pinged') wire.send(socket, 'ping')
  }
  wire.on('connect', (socket: Socket) => {
    const current = watch(socket)
    const hear = () => {
      current.silentPings = 0
      current.heardAtMs = performance.now()
    }
    hear()
    socket.on('data', hear)
    socket.on('end', hear) // a server that ends says so by its FIN
  })
  const timer = setInterval(ping, times.pingMs).unref()
  return {
    start(serverVersion) {
      if (watched) watched.state = answersPings(serverVersion) ? 'pinged' : 'left_alone'
    },
    heardAtMs: () => (watched?.state === 'pinged' ? watched.heardAtMs : performance.now()),
    // The client's own fails where there is no connection, and would go on reconnecting.
    disconnect() {
      clearInterval(timer)
      wire.closing = true
      clearTimeout(wire.reconnectVars.retryTimer ?? undefined)
      const socket = wire.socket ?? watched?.socket
      socket?.end()
    },
  }
}

/** Servers before 0.8.2 end the connection instead. */
function answersPings(serverVersion: string | undefined): boolean {
  return serverVersion !== undefined && !/^v?0\.([0-7]\.|8\.[01]\b)/.test(serverVersion)
}
