/** What a call or a ping has shown of the host that an endpoint is on. */
export type Sighting =
  /** It answered a call, whatever it said. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'ping_answered' }
  | { readonly kind: 'ping_failed' }
  /** Nobody was there: a transport error, or no answer to any copy of the INVITE. */
  | { readonly kind: 'gone' }
  /** It showed no sign of life while another buyer could take the call. */
  | { readonly kind: 'silent' }
  /** It asked to be left alone. @see RFC 3261 §21.5.4 */
  | { readonly kind: 'overloaded'; readonly forMs: number }

/** Which hosts of buyers have been reachable of late, as this process has seen it. */
export interface EndpointHealth {
  readonly isReachable: (uri: string) => boolean
  readonly report: (uri: string, sighting: Sighting) => void
}

interface Host {
  readonly downUntilMs: number
  readonly quarantinedUntilMs: number
  /** Whether it has ever answered a ping: some never do, and are alive all the same. */
  readonly answersPings: boolean
  readonly failedPings: number
  readonly silences: number
}

const UNKNOWN: Host = {
  downUntilMs: 0,
  quarantinedUntilMs: 0,
  answersPings: false,
  failedPings: 0,
  silences: 0,
}

/** How long a host is spared before a call may try it again, unless a ping is answered before. */
const DOWN_MS = 30_000
const QUARANTINE_MS_MAX = 300_000
/** One lost packet is no outage. */
const FAILED_PINGS = 3
/** One slow gateway is no outage either. */
const SILENCES = 2
/** A host that pings have found dead stays down until one is answered; each failed one says so again. */
const PINGED_DOWN_MS = 300_000

/**
 * Remembers what calls and pings have shown, in this process. A host is down for half a minute after a
 * transport error or silence, as long as a 503 has asked for (five minutes at most), and after three failed
 * pings if it ever answered one.
 * @param nowMs a clock in milliseconds that never goes back
 */
export function createEndpointHealth(nowMs: () => number): EndpointHealth {
  const hosts = new Map<string, Host>()
  return {
    isReachable(uri) {
      const host = hosts.get(hostOf(uri))
      if (!host) return true
      return Math.max(host.downUntilMs, host.quarantinedUntilMs) <= nowMs()
    },
    report(uri, sighting) {
      const part = hostOf(uri)
      hosts.set(part, afterSighting(hosts.get(part) ?? UNKNOWN, sighting, nowMs()))
    },
  }
}

function afterSighting(host: Host, sighting: Sighting, nowMs: number): Host {
  const down = { ...host, downUntilMs: nowMs + DOWN_MS }
  switch (sighting.kind) {
    case 'alive':
      return { ...host, downUntilMs: 0, silences: 0 }
    case 'ping_answered':
      return { ...host, downUntilMs: 0, silences: 0, answersPings: true, failedPings: 0 }
    case 'gone':
      return down
    case 'silent': {
      const silences = host.silences + 1
      return silences < SILENCES ? { ...host, silences } : { ...down, silences: 0 }
    }
    case 'overloaded': {
      const forMs = Math.min(sighting.forMs, QUARANTINE_MS_MAX)
      return { ...host, quarantinedUntilMs: nowMs + forMs }
    }
    case 'ping_failed': {
      const failedPings = host.failedPings + 1
      const isDead = host.answersPings && failedPings >= FAILED_PINGS
      return { ...host, failedPings, ...(isDead && { downUntilMs: nowMs + PINGED_DOWN_MS }) }
    }
  }
}

const hostParts = new Map<string, string>()

/** Host, port and transport: buyers on the same host stand and fall together. */
export function hostOf(uri: string): string {
  const known = hostParts.get(uri)
  if (known !== undefined) return known
  const [, host = uri] = /^sips?:(?:[^@]*@)?([^?]*)$/i.exec(uri) ?? []
  const part = host.toLowerCase().replace(/;(?!transport=)[^;]*/g, '')
  hostParts.set(uri, part)
  return part
}
