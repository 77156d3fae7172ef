import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { GuardOptions } from './options.ts'
import { createRecentMap } from './recent-map.ts'

/** What to do with a new request of a source. */
export type Admission = 'admit' | 'answer_busy' | 'drop'

/** Keeps single sources from using the engine up. */
export interface Guard {
  /** Whether nothing new is taken from a source at present. */
  readonly isBanned: (address: string) => boolean
  /** Counts one new request of a source. */
  readonly admit: (address: string) => Admission
  /**
   * Lifts the limit for these addresses and CIDR ranges, and for none of those given before; a ban on one of
   * them ends.
   * @throws if one is neither; what was exempt before stays so
   */
  readonly setExempt: (ranges: readonly string[]) => void
  /** Whether a source has no limit. */
  readonly isExempt: (address: string) => boolean
  /** How many sources are remembered. */
  readonly size: () => number
}

/** Generous for a trunk, tight for a scanner; a trunk above it is to be exempted by its range. */
export const GUARD_DEFAULTS: GuardOptions = {
  requestsPerSecond: 50,
  burst: 100,
  banMs: 300_000,
  exempt: [],
  exemptLoopback: true,
}

interface Source {
  tokens: number
  countedAtMs: number
  /** Requests refused since the bucket last had a token. */
  refused: number
  /** By how many more were refused than admitted: a flood earns tokens as well, and is to be banned all the same. */
  excess: number
  bannedUntilMs: number
}

/** Sources remembered at least, and at most twice as many; the longest silent are forgotten first. */
const SOURCES_MIN = 10_000

/**
 * A bucket of tokens for each source address. The first request beyond the limit is answered, the
 * next ones are dropped, and a source that goes on for a whole burst more is banned: sooner or later
 * whoever sends at more than twice its rate.
 *
 * @param now a clock in milliseconds that never goes back
 */
export function createGuard(options: GuardOptions, now: () => number): Guard {
  const sources = createRecentMap<Source>(SOURCES_MIN)
  let exempt = exemptions(options.exempt, options)

  const find = (address: string): Source => {
    const known = sources.get(address)
    if (known) return known
    const source = {
      tokens: options.burst,
      countedAtMs: now(),
      refused: 0,
      excess: 0,
      bannedUntilMs: 0,
    }
    sources.set(address, source)
    return source
  }

  return {
    isBanned: (address) => (sources.get(address)?.bannedUntilMs ?? 0) > now(),
    admit: (address) =>
      isExempt(exempt, address) ? 'admit' : spend(find(address), options, now()),
    setExempt: (ranges) => {
      exempt = exemptions(ranges, options)
      sources.deleteWhere((address) => isExempt(exempt, address))
    },
    isExempt: (address) => isExempt(exempt, address),
    size: sources.size,
  }
}

/** Takes a token from a source's bucket, or says what its absence means. */
function spend(source: Source, options: GuardOptions, nowMs: number): Admission {
  const earned = ((nowMs - source.countedAtMs) / 1_000) * options.requestsPerSecond
  source.tokens = Math.min(options.burst, source.tokens + earned)
  source.countedAtMs = nowMs
  if (source.tokens >= 1) {
    source.tokens -= 1
    source.refused = 0
    source.excess = Math.max(0, source.excess - 1)
    return 'admit'
  }
  source.refused += 1
  source.excess += 1
  if (source.excess > options.burst) source.bannedUntilMs = nowMs + options.banMs
  return source.refused === 1 ? 'answer_busy' : 'drop'
}

function exemptions(
  ranges: readonly string[],
  { exemptLoopback }: Pick<GuardOptions, 'exemptLoopback'>,
): BlockList {
  const list = new BlockList()
  const loopback = exemptLoopback ? ['127.0.0.0/8', '::1'] : []
  for (const range of [...ranges, ...loopback]) addRange(list, range)
  return list
}

/** @throws if the text is neither an address nor a CIDR range */
function addRange(list: BlockList, range: string): void {
  const [address = '', bits] = range.split('/', 2)
  if (!isIPv4(address) && !isIPv6(address))
    throw new Error(
      `"${range}" is no address and no CIDR range: write 203.0.113.0/24 or an address.`,
    )
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  if (bits === undefined) list.addAddress(address, family)
  else list.addSubnet(address, Number(bits), family)
}

function isExempt(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
