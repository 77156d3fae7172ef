import type { Buyer } from '../domain/campaign.ts'
import type { EndpointHealth } from './endpoint-health.ts'
import type { SipClient } from './srf.ts'

export interface PingOptions {
  readonly client: Pick<SipClient, 'ping'>
  readonly health: Pick<EndpointHealth, 'report'>
  /** The buyers as configured now. */
  readonly buyers: () => readonly Buyer[]
  readonly random: () => number
}

export interface Pings {
  readonly close: () => void
}

/** How often the configuration is looked at for endpoints to ping. */
const LOOK_MS = 1_000
/** What says that nobody is there; anything else, 404 and 405 too, comes from somebody who is. */
const DEAD_STATUSES = new Set([408, 503])

/**
 * Asks endpoints of buyers whether they are there, each as often as its buyer says, a tenth more or less so
 * that processes do not ask in step. @see RFC 3261 §11
 */
export function startPings({ client, health, buyers, random }: PingOptions): Pings {
  const nextAtMs = new Map<string, number>()
  const ping = async (uri: string) => {
    const status = await client.ping(uri)
    const isThere = status !== undefined && !DEAD_STATUSES.has(status)
    health.report(uri, { kind: isThere ? 'ping_answered' : 'ping_failed' })
  }
  const look = () => {
    const nowMs = performance.now()
    const known = new Set<string>()
    for (const { requestUri, pingMs } of buyers()) {
      if (pingMs === undefined || known.has(requestUri)) continue
      known.add(requestUri)
      const jitterMs = pingMs * (0.9 + 0.2 * random())
      const dueAtMs = nextAtMs.get(requestUri) ?? nowMs + pingMs * random()
      const isDue = dueAtMs <= nowMs
      nextAtMs.set(requestUri, isDue ? nowMs + jitterMs : dueAtMs)
      if (isDue) void ping(requestUri)
    }
    for (const uri of nextAtMs.keys()) if (!known.has(uri)) nextAtMs.delete(uri)
  }
  const timer = setInterval(look, LOOK_MS)
  return { close: () => clearInterval(timer) }
}
