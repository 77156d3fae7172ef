import { isAddress, looksLikeIPv6, parseSipUri, type SipUri, uriParameter } from '../message/uri.ts'
import { defaultPort } from '../transport/resolve.ts'
import type { Hop, Listener, TransportName } from '../transport/transport.ts'
import type { Core, Target, Way } from './state.ts'

/** How a URI is reached, or why it is not. */
export type Route =
  | { readonly kind: 'route'; readonly listener: Listener; readonly target: Target }
  | { readonly kind: 'no_route'; readonly reason: string }

/**
 * Chooses the listener that a request inside a dialog is sent from. Where the URI leads to no socket of ours
 * (another family or transport, or back to us) the request goes the way the dialog was made over: RFC 3261
 * §12.2.1.1 would let it fail, and whoever wrote the URI could never be hung up.
 */
export function chooseRouteInDialog(
  core: Pick<Core, 'listeners'>,
  nextHop: string,
  flow: Way,
): Extract<Route, { kind: 'route' }> {
  const route = chooseRoute(core, nextHop)
  if (route.kind === 'route') return { ...route, target: { ...route.target, flow } }
  const { hop, listener } = flow
  const { address: host, port } = hop
  return { kind: 'route', listener, target: { host, port, hop } }
}

/** Chooses the listener that a request to a URI is sent from. @see RFC 3263 §4.1, in part */
export function chooseRoute({ listeners }: Pick<Core, 'listeners'>, nextHop: string): Route {
  const uri = parseSipUri(nextHop)
  if (!uri) return { kind: 'no_route', reason: `invalid request-uri: ${nextHop}` }
  const named = uriParameter(uri, 'transport')?.toLowerCase()
  const transport = uri.scheme === 'sips' ? 'tls' : named
  const listener = findListener(listeners, transport, uriParameter(uri, 'maddr') ?? uri.host)
  if (!listener) return { kind: 'no_route', reason: 'requested protocol/transport not available' }
  const target = targetOf(uri, listener, transport === undefined ? listeners : [])
  if (isOurs(listeners, target, listener.transport))
    return { kind: 'no_route', reason: 'can not send request to myself' }
  return { kind: 'route', listener, target }
}

/** @param others the listeners that DNS may choose from, if the URI does not name a transport */
function targetOf(uri: SipUri, { transport }: Listener, others: readonly Listener[]): Target {
  const maddr = uriParameter(uri, 'maddr')
  const target = { host: maddr ?? uri.host, port: uri.port }
  if (maddr === undefined && isAddress(uri.host)) return target // nothing will be looked up
  const further = others.map((other) => other.transport)
  const choice = new Set(further.filter((name) => name !== transport && name !== 'tls'))
  return {
    ...target,
    ...(maddr !== undefined && { domain: uri.host }),
    ...(choice.size > 0 && transport !== 'tls' && { transports: [transport, ...choice] }),
  }
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
export function hopOf(
  { domain, flow, hop, host: address, port: wanted }: Target,
  { transport }: Listener,
): Hop | undefined {
  if (hop) return hop
  if (!isAddress(address)) return undefined
  const port = wanted ?? defaultPort(transport)
  if (transport !== 'tls') return { transport, address, port }
  // Contacts are addresses mostly, certificates hardly ever: the other side has shown who it is.
  if (flow?.hop.transport === 'tls' && flow.hop.address === address) return { ...flow.hop, port }
  const isNamed = domain !== undefined && !isAddress(domain)
  return { transport, address, port, ...(isNamed && { name: domain }) }
}
