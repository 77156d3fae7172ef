import { lookup } from 'node:dns'
import { resolveSrv } from 'node:dns/promises'
import type { TransportName } from './transport.ts'

/** Names are answered within this time or count as not found. */
const PATIENCE_MS = 2_000

/** A host to be found. */
export interface Wanted {
  readonly host: string
  /** Undefined if the URI names none: then SRV records may say. */
  readonly port: number | undefined
  readonly transport: TransportName
  readonly family: 4 | 6
}

/** The default port of a transport. @see RFC 3261 §19.1.2 */
export function defaultPort(transport: TransportName): number {
  return transport === 'tls' ? 5061 : 5060
}

/**
 * Finds the address of a host name: by SRV if no port is given, else by its address records.
 * Undefined if there is none within two seconds.
 *
 * A part of RFC 3263 only: no NAPTR, and of several SRV records the first by priority and weight.
 */
export async function resolveHost(
  wanted: Wanted,
): Promise<{ readonly address: string; readonly port: number } | undefined> {
  const timeout = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => {
    timeout.resolve(undefined)
  }, PATIENCE_MS)
  try {
    return await Promise.race([search(wanted), timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function search(
  wanted: Wanted,
): Promise<{ readonly address: string; readonly port: number } | undefined> {
  const { family, transport } = wanted
  const service = wanted.port === undefined ? await findService(wanted) : undefined
  const address = await findAddress(service?.name ?? wanted.host, family)
  const port = service?.port ?? wanted.port ?? defaultPort(transport)
  return address === undefined ? undefined : { address, port }
}

async function findService(
  wanted: Wanted,
): Promise<{ readonly name: string; readonly port: number } | undefined> {
  if (!wanted.host.includes('.')) return undefined
  const prefix = wanted.transport === 'tls' ? '_sips._tcp' : `_sip._${wanted.transport}`
  const records = await resolveSrv(`${prefix}.${wanted.host}`).catch(() => [])
  return records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)[0]
}

function findAddress(host: string, family: 4 | 6): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  lookup(host, { family }, (error, address) => {
    resolve(error ? undefined : address)
  })
  return promise
}
