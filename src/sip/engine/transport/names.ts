import { lookup, type NaptrRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { type Answer, createNameCache } from './name-cache.ts'
import type { ServiceRecord } from './service-order.ts'

/** What DNS, and the machine's own list of hosts, know of names. */
export interface Names {
  readonly services: (name: string) => Promise<readonly ServiceRecord[]>
  readonly pointers: (name: string) => Promise<readonly NaptrRecord[]>
  readonly addresses: (name: string, family: 4 | 6) => Promise<readonly string[]>
  /** How many names are remembered. */
  readonly size: () => number
  readonly close: () => void
}

/** Two tries of one name server fit into the two seconds that a call is kept waiting. */
const TRY_MS = 600
const TRIES = 2

/** How long SRV and NAPTR records are believed: Node does not tell their own time. */
const RECORD_MS = 60_000

/** How long it is believed that there is nothing of a name. */
const NOTHING_MS = 30_000

const TTL_MS_MIN = 1_000
const TTL_MS_MAX = 3_600_000

/**
 * Opens a resolver.
 *
 * @param nameServers addresses, with a port or without; undefined: those of the machine
 * @param now a clock in milliseconds that never goes back
 */
export function openNames(nameServers: readonly string[] | undefined, now: () => number): Names {
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES })
  if (nameServers) resolver.setServers(nameServers)
  const services = createNameCache((name) => listed(() => resolver.resolveSrv(name)), [], now)
  const pointers = createNameCache((name) => listed(() => resolver.resolveNaptr(name)), [], now)
  const addresses = {
    4: createNameCache((name) => addressesOf(resolver, name, 4), [], now),
    6: createNameCache((name) => addressesOf(resolver, name, 6), [], now),
  }
  return {
    services: services.get,
    pointers: pointers.get,
    addresses: (name, family) => addresses[family].get(name),
    size: () => services.size() + pointers.size() + addresses[4].size() + addresses[6].size(),
    close: () => {
      resolver.cancel()
    },
  }
}

async function listed<T>(ask: () => Promise<readonly T[]>): Promise<Answer<readonly T[]>> {
  const value = await orNothing(ask)
  return { value, ttlMs: value.length > 0 ? RECORD_MS : NOTHING_MS }
}

async function addressesOf(
  resolver: Resolver,
  name: string,
  family: 4 | 6,
): Promise<Answer<readonly string[]>> {
  const records = await orNothing(() =>
    family === 6 ? resolver.resolve6(name, { ttl: true }) : resolver.resolve4(name, { ttl: true }),
  ).catch((error: unknown) => orHosts(error, name, family))
  if (records.length === 0) return { value: await fromHosts(name, family), ttlMs: NOTHING_MS }
  const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1_000
  const value = records.map(({ address }) => address)
  return { value, ttlMs: Math.min(Math.max(ttlMs, TTL_MS_MIN), TTL_MS_MAX) }
}

/** Where there is no name server at all, the machine's own list is all there is. */
async function orHosts(
  error: unknown,
  name: string,
  family: 4 | 6,
): Promise<readonly { readonly address: string; readonly ttl: number }[]> {
  const found = isError(error, 'ECONNREFUSED') ? await fromHosts(name, family) : []
  if (found.length === 0) throw error
  return found.map((address) => ({ address, ttl: NOTHING_MS / 1_000 }))
}

/** What the machine itself knows (`/etc/hosts` and the like) of a name that DNS does not. */
function fromHosts(name: string, family: 4 | 6): Promise<readonly string[]> {
  const { promise, resolve } = Promise.withResolvers<readonly string[]>()
  lookup(name, { family, all: true }, (error, found) => {
    resolve(error ? [] : found.map(({ address }) => address))
  })
  return promise
}

/** That there is nothing of a name is an answer; that nobody answers is none. */
async function orNothing<T>(ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await ask()
  } catch (error) {
    if (isError(error, 'ENOTFOUND') || isError(error, 'ENODATA')) return []
    throw error
  }
}

function isError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
