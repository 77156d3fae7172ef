import { isAddress, looksLikeIPv6 } from '../message/uri.ts'
import { ourVia } from '../message/via.ts'
import type { Place } from '../transport/resolve.ts'
import type { Listener } from '../transport/transport.ts'
import { newBranch } from './identifiers.ts'
import { hopOf } from './route.ts'
import type { Core, OutgoingRequest, Target, Way } from './state.ts'

/** Larger requests do not go over UDP if the other side takes TCP. @see RFC 3261 §18.1.1 */
const DATAGRAM_BYTES_MAX = 1_300

/** A firewall that swallows packets must not hold up a call for long. */
const CONNECT_MS = 1_000

/**
 * Finds the ways a request can go and calls back, best first, at once if nothing has to be looked up. A
 * large one tries TCP before UDP, at an address that has not refused it of late. A name that nobody knows is
 * taken for the place its dialog was made with: phones write names of their own networks into Contacts.
 */
export function findWays(
  core: Core,
  { listener, target, text }: Pick<OutgoingRequest, 'listener' | 'target' | 'text'>,
  done: (ways: readonly Way[]) => void,
): void {
  const isLarge = text.length > DATAGRAM_BYTES_MAX
  const known = hopOf(target, listener)
  if (known) {
    const way = { hop: known, listener }
    done(isLarge ? withTcp(core, way) : [way])
    return
  }
  void lookUp(core, listener, target, (ways) => {
    done(isLarge ? ways.flatMap((way) => withTcp(core, way)) : ways)
  })
}

async function lookUp(
  core: Core,
  listener: Listener,
  target: Target,
  done: (ways: readonly Way[]) => void,
): Promise<void> {
  const { domain, host, port } = target
  const transports = target.transports ?? [listener.transport]
  const usable = core.listeners.filter(({ transport }) => transports.includes(transport))
  const families = [...new Set([listener, ...usable].map(({ family }) => family))]
  const places = await core.resolver.resolve({ host, port, transports, families })
  const name = (domain ?? host).replace(/\.$/, '') // as certificates have it
  const ways = places.flatMap((place) => {
    const from = findListener(core, listener, place)
    const isNamed = place.transport === 'tls' && !isAddress(name)
    return from ? [{ hop: { ...place, ...(isNamed && { name }) }, listener: from }] : []
  })
  core.run(() => {
    done(ways.length === 0 && target.flow ? [target.flow] : ways)
  })
}

/** The listener that a place is reached from: the one composed for, or one that is like it. */
function findListener(
  { listeners }: Pick<Core, 'listeners'>,
  composed: Listener,
  { address, transport }: Pick<Place, 'address' | 'transport'>,
): Listener | undefined {
  const family = looksLikeIPv6(address) ? 6 : 4
  const isFit = (listener: Listener): boolean =>
    listener.transport === transport && listener.family === family
  if (isFit(composed)) return composed
  const fitting = listeners.filter(isFit)
  return fitting.find(({ host }) => host === composed.host) ?? fitting[0]
}

function withTcp(core: Core, way: Way): readonly Way[] {
  const { address, port, transport } = way.hop
  if (transport !== 'udp') return [way]
  const hop = { transport: 'tcp', address, port, connectMs: CONNECT_MS } as const
  const listener = findListener(core, way.listener, hop)
  return listener && !core.resolver.isAvoided(hop) ? [{ hop, listener }, way] : [way]
}

/** A request as it goes another way: as a transaction of its own. @see RFC 3263 §4.3 */
export function reroute(sent: OutgoingRequest, listener: Listener): OutgoingRequest {
  const branch = newBranch()
  const start = sent.text.indexOf('\r\nVia: ')
  const end = sent.text.indexOf('\r\n', start + 2)
  const via = `\r\nVia: ${ourVia(listener.transport, listener.sentBy, branch)}`
  return {
    ...sent,
    branch,
    listener,
    text: sent.text.slice(0, start) + via + sent.text.slice(end),
  }
}
