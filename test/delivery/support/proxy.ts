import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Somebody's HTTP proxy, on loopback, closed at the end of the test. */
export interface TestProxy {
  readonly url: string
  /** What it was asked to connect to, as asked. */
  readonly asked: readonly string[]
  /** `proxy-authorization` of each. */
  readonly authorizations: readonly (string | undefined)[]
}

/** Connects every host to loopback; with a `status` it refuses, with `silent` it says nothing. */
export async function startProxy(
  options: { readonly status?: number; readonly silent?: boolean } = {},
): Promise<TestProxy> {
  const asked: string[] = []
  const authorizations: (string | undefined)[] = []
  const open = new Set<Socket>()
  const server = createServer()
  server.on('connection', (socket) => open.add(socket.on('error', () => {})))
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    asked.push(request.url ?? '')
    authorizations.push(request.headers['proxy-authorization'])
    if (options.silent) return
    if (options.status !== undefined) {
      client.end(`HTTP/1.1 ${options.status} No\r\n\r\n`)
      return
    }
    const target = connect(Number(/\d+$/.exec(request.url ?? '')?.[0]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      target.pipe(client).pipe(target)
    })
    open.add(target.on('error', () => client.destroy()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, asked, authorizations }
}
