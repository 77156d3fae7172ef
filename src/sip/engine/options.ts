import type { TransportName } from './transport/transport.ts'

/** What an engine is started with. */
export interface EngineOptions {
  /**
   * Addresses to speak SIP on; port 0 takes a free one, the same for UDP and TCP of one host. TLS needs
   * `tls`.
   */
  readonly sip: readonly SipAddress[]
  /** Where applications connect; listen on loopback only. Port 0 takes a free one. */
  readonly admin: { readonly host: string; readonly port: number }
  /** What an application has to know to be let in. */
  readonly secret: string
  /** SIP's base timers, for tests and odd networks. */
  readonly timers?: Partial<{
    readonly t1Ms: number
    readonly t2Ms: number
    readonly t4Ms: number
    /** How long a call of ours may ring before it is cancelled: 200 s. */
    readonly timerCMs: number
    /** How long a second of Session-Expires lasts: 1,000 ms; tests shorten it. */
    readonly secondMs: number
  }>
  /** How long the calls of an application that has gone stay up before they are hung up: 0 ms. */
  readonly graceMs?: number
  /** How long an application may leave a new INVITE without any answer: 60 s. */
  readonly applicationPatienceMs?: number
  /** The most that the engine holds at a time. */
  readonly limits?: Partial<EngineLimits>
  /** What one source may send. */
  readonly guard?: Partial<GuardOptions>
  /** What addresses with TLS need. */
  readonly tls?: TlsFiles
  /** DNS servers, with a port or without, instead of those of the machine. */
  readonly nameServers?: readonly string[]
  /** How many connections there may be, and how slow. */
  readonly connections?: Partial<ConnectionLimits>
}

/** Files in PEM, read at the start and by `reloadCertificate`. */
export interface TlsFiles {
  /** The certificate that we show, followed by those that lead to its authority. */
  readonly certificateFile: string
  /** Its key, without a passphrase. */
  readonly keyFile: string
  /** Certificates of authorities that are trusted besides the public ones. */
  readonly authoritiesFile?: string
}

/** What is known of the certificate in use. */
export interface CertificateFacts {
  /** As in `DNS:sip.example.com, IP Address:203.0.113.7`. */
  readonly names: string
  readonly expiresAt: Date
}

/** Limits of the connections of one TCP or TLS address. */
export interface ConnectionLimits {
  /** Accepted ones, and opened ones likewise: 4,096. */
  readonly total: number
  /** Accepted from one source: 20. */
  readonly perSource: number
  /** Accepted from one source that the guard exempts: 400. */
  readonly perExemptSource: number
  /** How long a message may take to arrive once it has begun: 10 s. */
  readonly messageMs: number
  /** How long one may be silent that no call needs: 120 s. */
  readonly idleMs: number
  /** How long connecting, or the handshake of TLS, may take: 4 s. */
  readonly connectMs: number
}

/** An address that SIP is spoken on. */
export interface SipAddress {
  readonly transport: TransportName
  readonly host: string
  readonly port: number
  /** The address others reach this one under, if it is another (NAT). */
  readonly publicHost?: string
}

/** Sizes above which new calls are refused with 503 and Retry-After. */
export interface EngineLimits {
  readonly dialogs: number
  readonly transactions: number
}

/** A bucket of tokens for each source address, refilled at a steady rate. */
export interface GuardOptions {
  /** New requests a second that a source may send for ever. */
  readonly requestsPerSecond: number
  /** New requests that a source may send at once. */
  readonly burst: number
  /** How long nothing new is taken from a source that goes on beyond its limit. */
  readonly banMs: number
  /** Addresses and CIDR ranges without a limit: trusted trunks. */
  readonly exempt: readonly string[]
  /** Whether loopback has no limit: true by default. */
  readonly exemptLoopback: boolean
}

/** How full every table of the engine is, and what it has counted since it started. */
export interface EngineStats {
  readonly tables: Readonly<Record<string, number>>
  readonly counters: Readonly<Record<string, number>>
}
