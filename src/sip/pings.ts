import type { Buyer } from '../domain/campaign.ts'
import { type EndpointHealth, hostOf } from './endpoint-health.ts'
import { inBackground, type OnFailure } from './in-background.ts'
import type { SipClient } from './srf.ts'

export interface PingOptions {
  readonly client: Pick<SipClient, 'ping'>
  readonly health: Pick<EndpointHealth, 'report'>
  /** Whether there is a SIP server to ask with: without one nobody answers, which says nothing of anybody. */
  readonly isConnected: () => boolean
  /** The buyers as configured now. */
  readonly buyers: () => readonly Buyer[]
  readonly random: () => number
  readonly onFailure: OnFailure
  /** How often the configuration is looked at for endpoints to ping; a second unless said. */
  readonly lookMs?: number
}

export interface Pings {
  readonly close: () => void
}

const LOOK_MS = 1_000
/** What says that nobody is there; anything else, 404 and 405 too, comes from somebody who is. */
const DEAD_STATUSES = new Set([408, 503])

/**
 * Asks the hosts of buyers whether they are there, each as often as the first of its buyers says, a tenth
 * more or less so that processes do not ask in step. @see RFC 3261 §11
 */
export function startPings(options: PingOptions): Pings {
  const { client, health, isConnected, buyers, random, onFailure, lookMs = LOOK_MS } = options
  const nextAtMs = new Map<string, number>()
  const ping = async (uri: string) => {
    const status = await client.ping(uri)
    if (status === undefined && !isConnected()) return
    const isThere = status !== undefined && !DEAD_STATUSES.has(status)
    health.report(uri, { kind: isThere ? 'ping_answered' : 'ping_failed' })
  }
  const look = () => {
    if (!isConnected()) return
    const nowMs = performance.now()
    const known = new Set<string>()
    for (const { requestUri, pingMs } of buyers()) {
      const host = hostOf(requestUri)
      if (pingMs === undefined || known.has(host)) continue
      known.add(host)
      const jitterMs = pingMs * (0.9 + 0.2 * random())
      const dueAtMs = nextAtMs.get(host) ?? nowMs + pingMs * random()
      const isDue = dueAtMs <= nowMs
      nextAtMs.set(host, isDue ? nowMs + jitterMs : dueAtMs)
      if (isDue) inBackground(() => ping(requestUri), onFailure)
    }
    for (const host of nextAtMs.keys()) if (!known.has(host)) nextAtMs.delete(host)
  }
  const timer = setInterval(look, lookMs)
  return { close: () => clearInterval(timer) }
}
