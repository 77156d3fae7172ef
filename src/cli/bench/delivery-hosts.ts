import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

/** Fast partners in a process of their own, so that only sending is measured. */
export interface FastHosts {
  readonly origins: readonly string[]
  /** Requests taken so far. */
  readonly count: () => Promise<number>
  readonly close: () => Promise<void>
}

/** Starts as many servers as told. */
export async function startFastHosts(hosts: number): Promise<FastHosts> {
  const path = fileURLToPath(new URL('./delivery-receiver.ts', import.meta.url))
  const child = fork(path, [String(hosts)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [{ ports }] = (await once(child, 'message')) as [{ readonly ports: readonly number[] }]
  const origins = ports.map((port) => `http://127.0.0.1:${port}`)
  return {
    origins,
    count: async () => Number(await (await fetch(`${origins[0]}/count`)).text()),
    async close() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

/** A partner in this process, which sees when each request comes. */
export interface WatchedHost {
  readonly origin: string
  readonly close: () => Promise<void>
}

/** Answers after `delayMs`; `onRequest` is told the path as soon as the request is there. */
export async function startWatchedHost(
  onRequest: (path: string) => void,
  delayMs = 0,
): Promise<WatchedHost> {
  const server = createServer((request, response) => {
    onRequest(request.url ?? '')
    if (delayMs === 0) response.writeHead(204).end()
    else setTimeout(() => response.writeHead(204).end(), delayMs)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
