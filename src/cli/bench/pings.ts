import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Takes the pings and notes when each came. */
export interface PingReceiver {
  readonly url: string
  readonly count: () => number
  /** When the call's first ping came, on the monotonic clock; undefined if it has not. */
  readonly arrivedAtMs: (callUuid: string) => number | undefined
  readonly close: () => Promise<void>
}

/** Listens on a free loopback port and answers at once. */
export async function startPingReceiver(): Promise<PingReceiver> {
  const arrivals = new Map<string, number>()
  const server = createServer((request, response) => {
    const nowMs = performance.now()
    const callUuid = /[?&]id=([0-9a-f-]+)/.exec(request.url ?? '')?.[1] ?? ''
    if (!arrivals.has(callUuid)) arrivals.set(callUuid, nowMs)
    response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    count: () => arrivals.size,
    arrivedAtMs: (callUuid) => arrivals.get(callUuid),
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
