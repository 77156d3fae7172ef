import { bracketed } from '../message/uri.ts'
import type { ConnectionLimits, SipAddress, TlsFiles } from '../options.ts'
import { listenTcp } from './tcp.ts'
import { listenTls, type TlsListener } from './tls.ts'
import type { Listener, Reports } from './transport.ts'
import { listenUdp } from './udp.ts'

/** What all listeners of an engine have in common. */
export interface ListenOptions {
  readonly connections: ConnectionLimits
  readonly tls: TlsFiles | undefined
}

/**
 * Listens on one address.
 *
 * @throws an Error of one sentence if the address cannot be listened on
 */
async function listenOn(
  address: SipAddress,
  options: ListenOptions,
  reports: Reports,
): Promise<Listener | TlsListener> {
  const { host, port, publicHost, transport } = address
  const stream = { host, port, publicHost, limits: options.connections }
  try {
    if (transport === 'udp') return await listenUdp(stream, reports)
    if (transport === 'tcp') return await listenTcp(stream, reports)
    if (options.tls) return await listenTls({ ...stream, files: options.tls }, reports)
  } catch (error) {
    // Without a code it is about the certificate, and a sentence already.
    if (error instanceof Error && !('code' in error)) throw error
    throw notListening(transport, { host, port }, error)
  }
  throw new Error('SIP over TLS needs a certificate and its key.')
}

/** Ports that are free for UDP are seldom taken for TCP. */
const PORTS_TRIED = 10

/**
 * Listens on several addresses. UDP and TCP of one host that ask for a free port get the same one, as
 * clients expect.
 *
 * @throws an Error of one sentence if one cannot be listened on; then none is
 */
export async function listenOnAll(
  addresses: readonly SipAddress[],
  options: ListenOptions,
  reports: Reports,
): Promise<readonly (Listener | TlsListener)[]> {
  const isFree = addresses.some(({ port }) => port === 0)
  for (let attempt = 1; ; attempt++) {
    const listeners: (Listener | TlsListener)[] = []
    try {
      for (const address of addresses)
        listeners.push(await listenOn(withPort(address, addresses, listeners), options, reports))
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
  const { host, port, transport } = address
  if (port !== 0 || transport === 'tls') return address // TCP would be in its way
  const taken = listeners.find(
    (listener, at) =>
      addresses[at]?.port === 0 &&
      listener.host === host &&
      listener.transport === (transport === 'udp' ? 'tcp' : 'udp'),
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
