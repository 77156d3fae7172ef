import type { LookupAddress } from 'node:dns'
import type { LookupFunction, Socket } from 'node:net'
import { callbackify } from 'node:util'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import { type AddressPolicy, checkAddress, literalAddress } from './address-policy.ts'
import { createTunnels, type Tunnels } from './proxy.ts'
import { createResolve, type Resolve } from './resolve.ts'

/** How to build a `GuardedDispatcher`. */
export interface DispatcherOptions {
  readonly policy: AddressPolicy
  /** Connections kept to one origin. */
  readonly connectionsPerOrigin: number
  /** Origins whose connections are kept; the one unused for longest goes first. 256 unless said. */
  readonly originsMax?: number
  /** Time for DNS, TCP and TLS together: 10 s unless said. */
  readonly connectTimeoutMs?: number
  readonly resolve?: Resolve
  /** Certificate authorities (PEM) to trust instead of those of Node. */
  readonly ca?: string
  /** An HTTP proxy that everything goes through; straight to the host unless said. */
  readonly proxyUrl?: string | undefined
}

/** Sends requests to addresses that the policy allows, and to no other. */
export interface GuardedDispatcher {
  readonly policy: AddressPolicy
  /** Follows no redirect and makes one request; the handler hears of every failure. */
  dispatch(
    origin: string,
    request: Omit<Dispatcher.DispatchOptions, 'origin'>,
    handler: Dispatcher.DispatchHandler,
  ): void
  /** Breaks off what is running and closes every connection. */
  destroy(): Promise<void>
}

const ORIGINS_MAX = 256
const CONNECT_TIMEOUT_MS = 10_000
/** A connection is given up after this, so that a change of DNS is followed. */
const CONNECTION_AGE_MS_MAX = 60_000
/** Time before the next address is tried; Node's 250 ms is too little for the far side of the world. */
const NEXT_ADDRESS_MS = 1_000
const RESPONSE_HEADER_BYTES_MAX = 16_384

/**
 * Connections to other people's servers, each checked three times: a literal host before anything
 * is sent, every answer of DNS before it is connected to, and the address at the far end. Since
 * only checked answers are handed on, no second look-up can slip another address in between.
 * HTTP/1.1 only, certificates verified whatever the environment says. With a proxy the name is checked
 * in the same way before the proxy is asked; what the proxy makes of it is its own to check.
 */
export function createDispatcher(options: DispatcherOptions): GuardedDispatcher {
  const { policy, originsMax = ORIGINS_MAX, resolve = createResolve() } = options
  const tunnels = options.proxyUrl === undefined ? undefined : openTunnels(options)
  const pools = new Map<string, Pool>()
  /** Closing, but with requests on their way. */
  const retired = new Set<Pool>()

  function poolOf(origin: string): Pool {
    const pool = pools.get(origin) ?? openPool(origin, { ...options, resolve, tunnels })
    // A Map keeps the order of insertion: put in last, the origins used longest ago come first.
    pools.delete(origin)
    pools.set(origin, pool)
    const [oldest] = pools
    if (pools.size > originsMax && oldest) {
      pools.delete(oldest[0])
      retire(oldest[1])
    }
    return pool
  }

  function retire(pool: Pool): void {
    retired.add(pool)
    void pool.close().then(() => retired.delete(pool))
  }

  return {
    policy,
    dispatch: (origin, request, handler) => {
      poolOf(origin).dispatch(request, handler)
    },
    async destroy() {
      await Promise.all([...pools.values(), ...retired].map((pool) => pool.destroy()))
      pools.clear()
      await tunnels?.destroy()
    },
  }
}

type PoolOptions = DispatcherOptions & {
  readonly resolve: Resolve
  readonly tunnels: Tunnels | undefined
}

function openTunnels({ proxyUrl = '', connectTimeoutMs, ca }: DispatcherOptions): Tunnels {
  const timeoutMs = connectTimeoutMs ?? CONNECT_TIMEOUT_MS
  return createTunnels({ proxyUrl, timeoutMs, connect: connectOptions({ timeoutMs, ca }) })
}

function openPool(origin: string, options: PoolOptions): Pool {
  const port = Number(portOf(origin))
  const { tunnels } = options
  return new Pool(origin, {
    connections: options.connectionsPerOrigin,
    connect: tunnels
      ? tunnelledConnector(port, { ...options, tunnels })
      : guardedConnector(port, options),
    clientTtl: CONNECTION_AGE_MS_MAX,
    keepAliveMaxTimeout: CONNECTION_AGE_MS_MAX,
    maxHeaderSize: RESPONSE_HEADER_BYTES_MAX,
    // The deadline of an attempt ends these phases; undici's own clocks would only come too late.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  })
}

function guardedConnector(port: number, options: PoolOptions): buildConnector.connector {
  const { policy, ca, connectTimeoutMs: timeoutMs } = options
  const connect = buildConnector({
    ...connectOptions({ timeoutMs, ca }),
    lookup: guardedLookup({ policy, resolve: options.resolve, port }),
  })
  return (target, callback) => {
    // Node asks `lookup` about names only, so an address in the URL must be checked here.
    const literal = literalAddress(target.hostname)
    if (literal !== undefined && checkAddress(policy, literal, port) !== undefined) {
      callback(refusal(), null)
      return
    }
    connect(target, (...answer) => {
      const [, socket] = answer
      // One that has been destroyed has no address left, and undici finds out by itself.
      // A connection that failed comes with null or, for its types' sake or not, with undefined.
      const isUsable = socket && !socket.destroyed
      if (isUsable && checkAddress(policy, socket.remoteAddress ?? '', port) !== undefined) {
        socket.destroy()
        callback(refusal(), null)
        return
      }
      callback(...answer)
    })
  }
}

function connectOptions({
  timeoutMs = CONNECT_TIMEOUT_MS,
  ca,
}: {
  readonly timeoutMs: number | undefined
  readonly ca: string | undefined
}): buildConnector.BuildOptions {
  return {
    timeout: timeoutMs,
    allowH2: false,
    rejectUnauthorized: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    ...(ca !== undefined && { ca }),
  }
}

/** Through the proxy, once every address that the host has by our own DNS is allowed. */
function tunnelledConnector(
  port: number,
  { policy, resolve, tunnels, connectTimeoutMs, ca }: PoolOptions & { readonly tunnels: Tunnels },
): buildConnector.connector {
  const secure = buildConnector(connectOptions({ timeoutMs: connectTimeoutMs, ca }))
  const open = async (hostname: string): Promise<Socket> => {
    await findAllowed(hostname, { policy, resolve, port })
    // What CONNECT gives is the socket to the proxy.
    return (await tunnels.open(hostname, port)) as Socket
  }
  return (target, callback) => {
    const answer = callbackify(open)
    answer(target.hostname, (error, socket) => {
      if (error) callback(error, null)
      else if (target.protocol === 'https:') secure({ ...target, httpSocket: socket }, callback)
      else callback(null, socket)
    })
  }
}

interface Guard {
  readonly policy: AddressPolicy
  readonly resolve: Resolve
  readonly port: number
}

/** The addresses of a host if every one of them is allowed. @throws a refusal otherwise */
async function findAllowed(
  hostname: string,
  { policy, resolve, port }: Guard,
): Promise<readonly LookupAddress[]> {
  const literal = literalAddress(hostname)
  const addresses = literal === undefined ? await resolve(hostname) : [literal]
  const refused = addresses.some((address) => checkAddress(policy, address, port) !== undefined)
  if (refused || addresses.length === 0) throw refusal()
  return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
}

/** Hands on the answers of DNS if every one of them is allowed, and none otherwise. */
function guardedLookup(guard: Guard): LookupFunction {
  const find = (hostname: string) => findAllowed(hostname, guard)
  return (hostname, { all = false }, callback) => {
    const answer = callbackify(find)
    answer(hostname, (error, addresses) => {
      const [first] = addresses ?? []
      if (error || !first) callback(error, '')
      else if (all) callback(null, [...addresses])
      else callback(null, first.address, first.family)
    })
  }
}

/** Carries the reason as its code, as the errors of Node do. */
function refusal(): NodeJS.ErrnoException {
  return Object.assign(new Error('the address is not allowed'), { code: 'address_not_allowed' })
}

function portOf(origin: string): string {
  const { port, protocol } = new URL(origin)
  return port || (protocol === 'https:' ? '443' : '80')
}
