import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Something on the way to a server that may let nothing through any more, and tells nobody. */
export interface Firewall {
  readonly port: number
  /** Swallows what comes from now on, in either direction, on the connections that there are. */
  readonly swallow: () => void
  readonly close: () => void
}

/** Passes connections on to a port of this machine. */
export async function startFirewall(targetPort: number): Promise<Firewall> {
  const sockets: Socket[] = []
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.push(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    swallow() {
      for (const socket of sockets) socket.unpipe().resume()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
