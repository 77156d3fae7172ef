import { connect } from 'node:net'
import { listenStreams, type StreamOptions } from './streams.ts'
import type { Listener, Reports } from './transport.ts'

/**
 * Listens on one TCP address.
 *
 * @throws the socket's error if the address cannot be listened on
 */
export function listenTcp(options: StreamOptions, reports: Reports): Promise<Listener> {
  return listenStreams(
    {
      transport: 'tcp',
      accepting: (ready) => ready,
      open: ({ address, port }) => connect({ host: address, port, noDelay: true, keepAlive: true }),
      readyEvent: 'connect',
    },
    options,
    reports,
  )
}
