import { bracketed } from '../message/uri.ts'
import type { SipAddress } from '../options.ts'
import { listenTcp } from './tcp.ts'
import type { Listener, Reports } from './transport.ts'
import { listenUdp } from './udp.ts'

/**
 * Listens on one address.
 *
 * @throws an Error of one sentence if the address cannot be listened on
 */
export async function listenOn(address: SipAddress, reports: Reports): Promise<Listener> {
  const { host, port, publicHost, transport } = address
  if (transport === 'tls')
    throw new Error(
      `SIP over ${transport} is not supported by the embedded engine yet: ` +
        'leave it out of SIP_TRANSPORTS or connect a drachtio-server.',
    )
  try {
    const listen = transport === 'udp' ? listenUdp : listenTcp
    return await listen({ host, port, publicHost }, reports)
  } catch (error) {
    throw notListening(transport, { host, port }, error)
  }
}

/** Ports that are free for UDP are seldom taken for TCP. */
const PORTS_TRIED = 10

/**
 * Listens on several addresses. Those of one host that ask for a free port get the same one, as clients
 * expect of UDP and TCP.
 *
 * @throws an Error of one sentence if one cannot be listened on; then none is
 */
export async function listenOnAll(
  addresses: readonly SipAddress[],
  reports: Reports,
): Promise<readonly Listener[]> {
  const isFree = addresses.some(({ port }) => port === 0)
  for (let attempt = 1; ; attempt++) {
    const listeners: Listener[] = []
    try {
      for (const address of addresses)
        listeners.push(await listenOn(withPort(address, addresses, listeners), reports))
      return listeners
    } catch (error) {
      await Promise.all(listeners.map(async (listener) => listener.close()))
      if (!isFree || !isTaken(error) || attempt === PORTS_TRIED) throw error
    }
  }
}

/** An address that asks for a free port, with the one that another transport of its host has got. */
function withPort(
  address: SipAddress,
  addresses: readonly SipAddress[],
  listeners: readonly Listener[],
): SipAddress {
  if (address.port !== 0) return address
  const { host, transport } = address
  const taken = listeners.find(
    (listener, at) =>
      addresses[at]?.port === 0 && listener.host === host && listener.transport !== transport,
  )
  return taken ? { ...address, port: taken.port } : address
}

function isTaken(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
}

/** The error of one sentence for an address that cannot be listened on. */
export function notListening(
  what: string,
  { host, port }: { readonly host: string; readonly port: number },
  cause: unknown,
): Error {
  const place = `${what}/${bracketed(host)}:${port}`
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const reason =
    code === 'EADDRINUSE'
      ? 'another program has it: stop that or choose another port.'
      : `${cause instanceof Error ? cause.message : String(cause)}.`
  return new Error(`Cannot listen on ${place}: ${reason}`, { cause })
}
