import { lookup, Resolver } from 'node:dns/promises'

/** Gives every address of a name, IPv6 and IPv4. Rejects with a coded error if there is none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

/** How DNS is asked. */
export interface ResolveOptions {
  /** For one server and try; there are two tries. */
  readonly timeoutMs?: number
  /** `address:port`; those of the machine unless given. */
  readonly servers?: readonly string[]
}

/** Answers that are quick and final, after which asking the machine's own resolver is safe. */
const NOT_IN_DNS = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED', 'ENONAME', 'EBADNAME'])

/**
 * Resolves by asking DNS directly. Node's usual `lookup` blocks one of very few threads for as long
 * as a name server is silent, so that two partners with broken DNS would hold up all others; it is
 * asked only for names that DNS says it does not know, which may be in the machine's hosts file.
 */
export function createResolve({ timeoutMs = 2_000, servers }: ResolveOptions = {}): Resolve {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 })
  if (servers) resolver.setServers(servers)
  return async (hostname) => {
    const [ipv6, ipv4] = await Promise.allSettled([
      resolver.resolve6(hostname),
      resolver.resolve4(hostname),
    ])
    const addresses = [ipv6, ipv4].flatMap((answer) =>
      answer.status === 'fulfilled' ? answer.value : [],
    )
    if (addresses.length > 0) return addresses

    const codes = [ipv6, ipv4].map((answer) =>
      answer.status === 'rejected' ? codeOf(answer.reason) : 'ENODATA',
    )
    if (!codes.every((code) => NOT_IN_DNS.has(code))) throw dnsFailure(codes)
    const found = await lookup(hostname, { all: true })
    return found.map(({ address }) => address)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}

function dnsFailure(codes: readonly string[]): Error {
  return Object.assign(new Error('the name could not be resolved'), {
    code: 'EDNS',
    cause: codes.join(' '),
  })
}
