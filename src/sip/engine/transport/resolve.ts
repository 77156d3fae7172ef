import type { NaptrRecord } from 'node:dns'
import { createRecentMap } from '../recent-map.ts'
import { type Names, openNames } from './names.ts'
import { orderServices } from './service-order.ts'
import type { TransportName } from './transport.ts'

/** A host to be found. */
export interface Wanted {
  readonly host: string
  /** Undefined if the URI names none: then SRV records may say. */
  readonly port: number | undefined
  /** Those that may be used, best first; more than one only if the URI names none. */
  readonly transports: readonly [TransportName, ...TransportName[]]
  /** Those that there are sockets of. */
  readonly families: readonly (4 | 6)[]
}

/** Where a host may be found. */
export interface Place {
  readonly transport: TransportName
  readonly address: string
  readonly port: number
}

/** Finds hosts by their names. */
export interface HostResolver {
  /**
   * The places of a host, in the order in which they are to be tried: by NAPTR and SRV if no port is given,
   * else by its addresses. Empty if there is none, or none within two seconds.
   *
   * @see RFC 3263 §4
   */
  readonly resolve: (wanted: Wanted) => Promise<readonly Place[]>
  /** Has a place that has failed tried after the others, for a minute unless said. */
  readonly avoid: (place: Place, forMs?: number) => void
  readonly isAvoided: (place: Place) => boolean
  /** How many names and failed places are remembered. */
  readonly size: () => number
  readonly close: () => void
}

/** Names are answered within this time or count as not found. */
const PATIENCE_MS = 2_000

const PLACES_MAX = 10
const AVOIDED_MS = 60_000
/** Places remembered at least that have failed, and at most twice as many. */
const AVOIDED_MIN = 1_000

/** The default port of a transport. @see RFC 3261 §19.1.2 */
export function defaultPort(transport: TransportName): number {
  return transport === 'tls' ? 5061 : 5060
}

/** Opens a resolver of hosts; `random` gives 0 to just below 1. */
export function openHostResolver(
  nameServers: readonly string[] | undefined,
  now: () => number,
  random: () => number = Math.random,
): HostResolver {
  const names = openNames(nameServers, now)
  const avoided = createRecentMap<number>(AVOIDED_MIN)
  const isAvoided = (place: Place): boolean => (avoided.get(keyOf(place)) ?? -1) > now()
  return {
    resolve: async (wanted) => {
      const places = await withinPatience(findPlaces(names, wanted, random))
      const good = places.filter((place) => !isAvoided(place))
      return [...good, ...places.filter(isAvoided)]
    },
    isAvoided,
    avoid: (place, forMs = AVOIDED_MS) => {
      avoided.set(keyOf(place), now() + forMs)
    },
    size: () => names.size() + avoided.size(),
    close: names.close,
  }
}

const keyOf = ({ address, port, transport }: Place): string => `${transport}/${address}:${port}`

async function withinPatience(found: Promise<readonly Place[]>): Promise<readonly Place[]> {
  const timeout = Promise.withResolvers<readonly Place[]>()
  const timer = setTimeout(timeout.resolve, PATIENCE_MS, [])
  try {
    return await Promise.race([found, timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** A host to look the addresses up of. */
interface Server {
  readonly transport: TransportName
  readonly name: string
  readonly port: number
}

async function findPlaces(
  names: Names,
  wanted: Wanted,
  random: () => number,
): Promise<readonly Place[]> {
  const servers = await findServers(names, wanted, random)
  const places = await Promise.all(
    servers.slice(0, PLACES_MAX).map(async ({ name, port, transport }) => {
      const found = await Promise.all(
        wanted.families.map((family) => names.addresses(name, family)),
      )
      return found.flat().map((address) => ({ transport, address, port }))
    }),
  )
  return places.flat().slice(0, PLACES_MAX)
}

async function findServers(
  names: Names,
  { host, port, transports }: Wanted,
  random: () => number,
): Promise<readonly Server[]> {
  const [first] = transports
  const itself = { transport: first, name: host, port: port ?? defaultPort(first) }
  if (port !== undefined || !host.includes('.')) return [itself]
  for (const { service, transport } of await findServices(names, host, transports)) {
    const records = orderServices(await names.services(service), random)
    // A record without a name says that there is no such service here.
    if (records.length > 0)
      return records
        .filter(({ name }) => name !== '')
        .map(({ name, port }) => ({ transport, name, port }))
  }
  return [itself]
}

interface Service {
  readonly transport: TransportName
  readonly service: string
}

/** Which SRV records to ask for, best first. NAPTR is asked only where there is a choice. */
async function findServices(
  names: Names,
  host: string,
  transports: readonly TransportName[],
): Promise<readonly Service[]> {
  const usual = transports.map((transport) => ({
    transport,
    service: transport === 'tls' ? `_sips._tcp.${host}` : `_sip._${transport}.${host}`,
  }))
  if (transports.length < 2) return usual
  const pointed = servicesOf(await names.pointers(host)).filter(({ transport }) =>
    transports.includes(transport),
  )
  return pointed.length > 0 ? pointed : usual
}

const TRANSPORT_OF_SERVICE: Readonly<Record<string, TransportName>> = {
  'SIP+D2U': 'udp',
  'SIP+D2T': 'tcp',
  'SIPS+D2T': 'tls',
}

/** @see RFC 3263 §4.1 */
function servicesOf(records: readonly NaptrRecord[]): readonly Service[] {
  return records
    .filter(({ flags }) => flags.toLowerCase() === 's')
    .toSorted((a, b) => a.order - b.order || a.preference - b.preference)
    .flatMap(({ replacement, service }) => {
      const transport = TRANSPORT_OF_SERVICE[service.toUpperCase()]
      return transport ? [{ transport, service: replacement }] : []
    })
}
