import { BlockList, isIP } from 'node:net'
import type { Trunk } from '../domain/campaign.ts'

/** Whose call it is, or that it is nobody's we know. */
export type Source =
  | { readonly kind: 'trunk'; readonly trunk: Trunk }
  /** It has to show credentials of one of these trunks. */
  | { readonly kind: 'to_be_proved'; readonly trunks: readonly Trunk[] }
  /** No trunks are configured: this machine's own programs may call. */
  | { readonly kind: 'loopback' }
  | { readonly kind: 'stranger' }

/** Tells by a packet's source address who may send us calls. */
export type TrunkFinder = (address: string) => Source

/** Prepares the look-up; built once for each configuration. */
export function trunkFinder(trunks: readonly Trunk[]): TrunkFinder {
  const lists = trunks.map((trunk) => ({ trunk, list: blockListOf(trunk.allow) }))
  const loopback = blockListOf(['127.0.0.0/8', '::1'])
  return (address) => {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (isIP(address) === 0) return { kind: 'stranger' }
    if (lists.length === 0) {
      return { kind: loopback.check(address, family) ? 'loopback' : 'stranger' }
    }
    const byAddress = lists.find(({ trunk, list }) => !trunk.digest && list.check(address, family))
    if (byAddress) return { kind: 'trunk', trunk: byAddress.trunk }
    const withDigest = lists
      .filter(({ trunk }) => trunk.digest)
      .filter(({ trunk, list }) => trunk.allow.length === 0 || list.check(address, family))
      .map(({ trunk }) => trunk)
    return withDigest.length > 0
      ? { kind: 'to_be_proved', trunks: withDigest }
      : { kind: 'stranger' }
  }
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}
