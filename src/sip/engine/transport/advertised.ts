import { networkInterfaces } from 'node:os'

/**
 * The host written into Via and Contact for a listening address: the address itself, or for a
 * wildcard the first address of this machine that others can reach, or loopback.
 */
export function advertisedHost(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host
  const family = host === '::' ? 'IPv6' : 'IPv4'
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? [])
  const outside = addresses.find(
    (found) => found.family === family && !found.internal && !found.address.startsWith('fe80'),
  )
  return outside?.address ?? (family === 'IPv6' ? '::1' : '127.0.0.1')
}
