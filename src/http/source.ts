import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * The address that a request came from. A trusted proxy may forward anything as the client's address;
 * only an address is believed. An IPv4 one is written as such, also where the socket takes both families.
 */
export function sourceOf({ ip, socket }: FastifyRequest): string {
  const address = isIP(ip) > 0 ? ip : (socket.remoteAddress ?? 'unknown')
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
