import { isIPv6 } from 'node:net'
import type { Duplex } from 'node:stream'
import { type buildConnector, Pool } from 'undici'

/** The way out through somebody's HTTP proxy. */
export interface Tunnels {
  /**
   * A connection to a host through the proxy, as if it were one's own.
   * @throws an error with code `proxy_refused` where the proxy will not, else that of Node
   */
  readonly open: (hostname: string, port: number) => Promise<Duplex>
  /** Breaks off what is being opened; connections that are open stay so. */
  readonly destroy: () => Promise<void>
}

/** How the proxy is reached. */
export interface TunnelOptions {
  /** `http:` or `https:`, with user name and password where the proxy wants them. */
  readonly proxyUrl: string
  readonly connect: buildConnector.BuildOptions
  /** From asking for a connection until the proxy has one. */
  readonly timeoutMs: number
}

/**
 * Opens connections by CONNECT, for http as well as for https, so that a proxy sees hosts and never
 * the URL, which may hold a key.
 * @see RFC 9110 §9.3.6
 */
export function createTunnels({ proxyUrl, connect, timeoutMs }: TunnelOptions): Tunnels {
  const proxy = new URL(proxyUrl)
  const pool = new Pool(proxy.origin, { connect, headersTimeout: timeoutMs })
  const authorization = authorizationOf(proxy)
  return {
    async open(hostname, port) {
      const authority = `${isIPv6(hostname) ? `[${hostname}]` : hostname}:${port}`
      const { statusCode, socket } = await pool.connect({
        path: authority,
        headers: {
          host: authority,
          ...(authorization !== undefined && { 'proxy-authorization': authorization }),
        },
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (statusCode === 200) return socket
      socket.on('error', () => {}).destroy()
      throw Object.assign(new Error(`the proxy answered ${statusCode}`), { code: 'proxy_refused' })
    },
    destroy: () => pool.destroy(),
  }
}

/** @see RFC 7617 */
function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '') return undefined
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
