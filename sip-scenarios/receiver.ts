import { once } from 'node:events'
import { createServer } from 'node:http'

/** A request to a tracking URL. */
export interface ReceivedRequest {
  readonly method: string
  /** Path without the scenario's name, and query. */
  readonly url: URL
}

/** A partner's server that writes down what it is asked and answers 200. */
export interface Receiver {
  /** Without a slash at its end. */
  readonly url: string
  /** What has come in under `/{scenario}/`, oldest first. */
  requests(scenario: string): readonly ReceivedRequest[]
  close(): Promise<void>
}

export async function startReceiver(localIp: string): Promise<Receiver> {
  const received = new Map<string, ReceivedRequest[]>()
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://receiver')
    const [, scenario = '', ...path] = pathname.split('/')
    const url = new URL(`/${path.join('/')}${search}`, 'http://receiver')
    const list = received.get(scenario) ?? []
    received.set(scenario, [...list, { method: request.method ?? '', url }])
    response.end()
  })
  server.listen(0, localIp)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const host = localIp.includes(':') ? `[${localIp}]` : localIp
  return {
    url: `http://${host}:${port}`,
    requests: (scenario) => received.get(scenario) ?? [],
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
