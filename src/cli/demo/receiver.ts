import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMailbox, type Mailbox } from './mailbox.ts'

/** A tracking URL as it was requested. */
export interface ReceivedRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
}

/** Stands where a buyer's CRM and a publisher's tracker would. */
export interface Receiver {
  readonly url: string
  readonly requests: Mailbox<ReceivedRequest>
  readonly close: () => Promise<void>
}

/** Listens on a free loopback port and answers every request with 204. */
export async function startReceiver(): Promise<Receiver> {
  const requests = createMailbox<ReceivedRequest>()
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://receiver')
    requests.put({ method: request.method ?? '', path: pathname, query: searchParams })
    response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
