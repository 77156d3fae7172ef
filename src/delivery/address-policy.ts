import { BlockList, isIP, isIPv4 } from 'node:net'
import { AppError } from '../domain/app-error.ts'

/**
 * Which addresses a request of ours may reach: public ones on the ports of the web, and whatever
 * the operator has named. Built once by {@link buildAddressPolicy}.
 */
export interface AddressPolicy {
  /** Named by the operator: reachable on every port, private or not. */
  readonly allowed: Networks
  readonly allowsAny: boolean
}

/**
 * Kept apart by family, because `BlockList` unwraps `::ffff:127.0.0.1` into IPv4 by itself, which
 * would let the allowed 127.0.0.0/8 be reached under a second name.
 */
interface Networks {
  readonly ipv4: BlockList
  readonly ipv6: BlockList
}

/** Why an address may not be reached: one word for every form, so that nobody can map a network. */
export type AddressRefusal = 'address_not_allowed'

/** What a person reads about a URL that may not be requested, whichever rule refused it. */
export const TARGET_REFUSED =
  'may not be requested: use http or https, without user name, to a public host on port 80, 443, ' +
  '8080 or 8443, or add its network to ALLOW_PRIVATE_TARGETS'

const PORTS: ReadonlySet<number> = new Set([80, 443, 8080, 8443])

// What is not the public internet: RFC 6890 and its registry, multicast, and 6to4 relays.
const REFUSED_IPV4 = networks([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]).ipv4

// For IPv6 the other way round: a list of what is refused misses the forms that embed IPv4, such as
// ::ffff:0:127.0.0.1 (SIIT) or 64:ff9b::7f00:1 (NAT64). Only global unicast, less what is special.
const GLOBAL_IPV6 = networks(['2000::/3']).ipv6
const REFUSED_IPV6 = networks(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']).ipv6

/**
 * The policy with the networks in `allowPrivateTargets` (CIDRs, or single addresses) reachable on
 * every port.
 * @throws AppError `invalid_configuration` naming the first entry that is not a network.
 */
export function buildAddressPolicy(allowPrivateTargets: readonly string[]): AddressPolicy {
  const malformed = allowPrivateTargets.find((text) => !parseNetwork(text))
  if (malformed !== undefined) {
    throw new AppError(
      'invalid_configuration',
      `ALLOW_PRIVATE_TARGETS holds "${malformed}", which is not a network: write it like 10.1.2.0/24.`,
    )
  }
  return { allowed: networks(allowPrivateTargets), allowsAny: allowPrivateTargets.length > 0 }
}

/** A network as written `10.0.0.0/8`, `fd00::/8` or `10.1.2.3`. */
export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Reads a network in CIDR notation; an address alone is itself only. Undefined if malformed. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const bits = version === 4 ? 32 : 128
  const prefix = length === undefined ? bits : Number(length)
  if (prefix > bits) return undefined
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/**
 * Whether a connection may go to this address and port; undefined if so. Anything that is not an IP
 * address, or is one with a zone, is refused.
 * @see behaviour B14; the forms that embed IPv4 are in RFC 4291 §2.5.5, RFC 6052 and RFC 7915
 */
export function checkAddress(
  policy: AddressPolicy,
  ip: string,
  port: number,
): AddressRefusal | undefined {
  if (isIP(ip) === 0 || ip.includes('%')) return 'address_not_allowed'
  if (isAllowed(policy, ip)) return undefined
  return isPublic(ip) && PORTS.has(port) ? undefined : 'address_not_allowed'
}

/**
 * What is wrong with requesting this URL, as the end of a sentence about it; undefined if nothing
 * is. Names are not resolved here, so this refuses what can be known from the text alone; the
 * connection is checked again when it is made.
 */
export function checkUrl(policy: AddressPolicy, url: string): string | undefined {
  if (!URL.canParse(url)) return TARGET_REFUSED
  const { protocol, hostname, port: portText, username, password } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') return TARGET_REFUSED
  if (username !== '' || password !== '') return TARGET_REFUSED

  const port = portText === '' ? (protocol === 'http:' ? 80 : 443) : Number(portText)
  const address = literalAddress(hostname)
  const refused =
    address === undefined
      ? // A name may turn out to be in an allowed network, where every port may be reached.
        !PORTS.has(port) && !policy.allowsAny
      : checkAddress(policy, address, port) !== undefined
  return refused ? TARGET_REFUSED : undefined
}

/**
 * The address that a URL's host stands for without any DNS; undefined for a name. `localhost` and
 * what is under it are loopback by definition (RFC 6761 §6.3).
 */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  if (isIP(bare) !== 0) return bare
  return /(?:^|\.)localhost$/i.test(bare) ? '127.0.0.1' : undefined
}

function isAllowed({ allowed }: AddressPolicy, ip: string): boolean {
  return isIPv4(ip) ? allowed.ipv4.check(ip, 'ipv4') : allowed.ipv6.check(ip, 'ipv6')
}

function isPublic(ip: string): boolean {
  if (isIPv4(ip)) return !REFUSED_IPV4.check(ip, 'ipv4')
  return GLOBAL_IPV6.check(ip, 'ipv6') && !REFUSED_IPV6.check(ip, 'ipv6')
}

function networks(cidrs: readonly string[]): Networks {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const cidr of cidrs) {
    const network = parseNetwork(cidr)
    if (network) lists[network.family].addSubnet(network.address, network.prefix, network.family)
  }
  return lists
}
