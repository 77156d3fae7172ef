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
