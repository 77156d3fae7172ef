import type { TransportName } from '../../src/sip/engine/transport/transport.ts'
import type { Stage } from './stage.ts'

/** The SIP server that is looked at: the embedded engine, or a real drachtio-server. */
export interface Subject {
  readonly kind: 'engine' | 'drachtio'
  readonly admin: { readonly host: string; readonly port: number }
  readonly secret: string
  readonly sip: { readonly host: string; readonly port: number }
  /** Its addresses in other transports; none unless given. */
  readonly places?: readonly SipPlace[]
  /** Authorities in PEM that its certificate is checked against; undefined: it is not checked. */
  readonly authorities?: string
  /** What phones show it over TLS. */
  readonly phoneIdentity?: { readonly certificate: string; readonly key: string }
  /** What it waits for an ACK or an answer at most: 64·T1. */
  readonly timeoutMs: number
  /** How long a second of Session-Expires lasts there. */
  readonly secondMs: number
}

/** An address of a server. */
export interface SipPlace {
  readonly transport: TransportName
  readonly host: string
  readonly port: number
}

/** A transport that a case is about. */
export interface TransportNeed {
  readonly transport: TransportName
  readonly family: 4 | 6
}

/** One behaviour, shown on a server from outside. It fails by throwing. */
export interface Case {
  /** A sentence about what the server does. */
  readonly name: string
  readonly run: (stage: Stage) => Promise<void>
  /** How many seconds of Session-Expires it takes at most, if it waits for them. */
  readonly seconds?: number
  /** Whether it needs SIP's own timers, because something at the other end has them. */
  readonly isPatient?: true
  /** What a server must have to be asked at all: others neither pass nor fail. */
  readonly needs?: TransportNeed
  /** Where drachtio-server does otherwise and the engine does not follow it. */
  readonly differs?: {
    readonly why: string
    /** What drachtio-server does. */
    readonly run: (stage: Stage) => Promise<void>
  }
}

/** The address of a server that a case is about; undefined if it has none. */
export function findPlace(
  { places = [] }: Pick<Subject, 'places'>,
  { family, transport }: TransportNeed,
): SipPlace | undefined {
  return places.find(
    (place) => place.transport === transport && place.host.includes(':') === (family === 6),
  )
}

/** What to run on a server: what it is expected to do, by what is known of its kind. */
export function expectationOf(
  { differs, run }: Case,
  { kind }: Pick<Subject, 'kind'>,
): Case['run'] {
  return kind === 'drachtio' && differs ? differs.run : run
}
