import { isAddress, looksLikeIPv6, parseSipUri, uriParameter } from '../message/uri.ts'
import { defaultPort } from '../transport/resolve.ts'
import type { Hop, Listener, TransportName } from '../transport/transport.ts'
import type { Core, Target } from './state.ts'

/** How a URI is reached, or why it is not. */
export type Route =
  | { readonly kind: 'route'; readonly listener: Listener; readonly target: Target }
  | { readonly kind: 'no_route'; readonly reason: string }

/** Chooses the listener that a request to a URI is sent from. @see RFC 3263 §4.1, in part */
export function chooseRoute(core: Pick<Core, 'listeners'>, nextHop: string): Route {
  const uri = parseSipUri(nextHop)
  if (!uri) return { kind: 'no_route', reason: `invalid request-uri: ${nextHop}` }
  const named = uriParameter(uri, 'transport')?.toLowerCase()
  const transport = uri.scheme === 'sips' ? 'tls' : named
  const listener = findListener(core.listeners, transport, uri.host)
  if (!listener) return { kind: 'no_route', reason: 'requested protocol/transport not available' }
  const target = { host: uri.host, port: uri.port }
  if (isOurs(core.listeners, target, listener.transport))
    return { kind: 'no_route', reason: 'can not send request to myself' }
  return { kind: 'route', listener, target }
}

function findListener(
  listeners: readonly Listener[],
  transport: string | undefined,
  host: string,
): Listener | undefined {
  const family = looksLikeIPv6(host) ? 6 : 4
  const fitting = listeners.filter(
    (listener) =>
      (transport === undefined || listener.transport === transport) &&
      (!isAddress(host) || listener.family === family),
  )
  return fitting.find((listener) => listener.transport === 'udp') ?? fitting[0]
}

function isOurs(listeners: readonly Listener[], target: Target, transport: TransportName): boolean {
  const port = target.port ?? defaultPort(transport)
  return listeners.some(
    (listener) =>
      listener.transport === transport &&
      listener.port === port &&
      (listener.host === target.host || listener.sentBy.host === target.host),
  )
}

/** The hop of a target that is an address already; undefined if it has to be looked up. */
export function hopOf(target: Target, listener: Listener): Hop | undefined {
  if (!isAddress(target.host)) return undefined
  const { transport } = listener
  return { transport, address: target.host, port: target.port ?? defaultPort(transport) }
}
