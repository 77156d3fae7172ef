import type { TransportCounter } from './counters.ts'

/** How SIP messages travel. */
export type TransportName = 'udp' | 'tcp' | 'tls'

/** The other end of one hop: where a message came from, or where one is to go. */
export interface Hop {
  readonly transport: TransportName
  /** An IPv4 or IPv6 address, without brackets. */
  readonly address: string
  readonly port: number
  /** The domain whose certificate the other end has to show (TLS); undefined: its address. */
  readonly name?: string
  /** How long connecting may take, where it is worth a short try only. */
  readonly connectMs?: number
  /** The stream the message came over, so that its answer can go back on it. */
  readonly connectionId?: number
}

/** One address that the engine listens on and sends from. */
export interface Listener {
  readonly transport: TransportName
  /** Whether lost packets are repeated by the transport. */
  readonly reliable: boolean
  readonly family: 4 | 6
  /** The address listened on, with the port that was really taken. */
  readonly host: string
  readonly port: number
  /** What is written into Via and Contact. */
  readonly sentBy: { readonly host: string; readonly port: number }
  /** Sends one message and never throws: what goes wrong is reported to `Reports.unreachable`. */
  readonly send: (text: string, to: Hop) => void
  /** Told of a hop that a request is about to be sent to, so that its refusal can be noticed. */
  readonly watch: (to: Hop) => void
  readonly sizes: () => ListenerSizes
  readonly close: () => Promise<void>
}

/** What a listener holds. */
export interface ListenerSizes {
  /** Sockets that are open, the listening one included. */
  readonly sockets: number
  /** Streams that others have opened to it, and it to others. */
  readonly connections: number
  /** By what a stream is found: its number, and its other end. */
  readonly connectionKeys: number
  /** Places that others have taken with streams of theirs. */
  readonly connectionPlaces: number
  /** Sources that those places are counted for. */
  readonly connectionSources: number
}

/** What a listener without streams holds of them. */
export const NO_STREAMS = {
  connections: 0,
  connectionKeys: 0,
  connectionPlaces: 0,
  connectionSources: 0,
}

/** What a listener tells the engine, and asks it. */
export interface Reports {
  /** A message came in; `text` has one character a byte. */
  readonly receive: (text: string, from: Hop, listener: Listener) => void
  /** Nothing that was sent there arrives. */
  readonly unreachable: (to: Hop) => void
  /** Whether a connection that has been silent for long is still that of a call. */
  readonly isNeeded: (hop: Hop, listener: Listener) => boolean
  /** Whether a source may open one more connection: it counts like a request. */
  readonly isWelcome: (address: string) => boolean
  /** Whether a source is exempt from the limits of strangers. */
  readonly isExempt: (address: string) => boolean
  readonly count: (counter: TransportCounter) => void
  /** Something that an operator can mend, in one sentence. */
  readonly warn: (sentence: string) => void
}

/** A name for a hop, for maps. */
export function hopKey({ transport, address, port, name }: Hop): string {
  const place = `${transport}/${address}:${port}`
  return name === undefined ? place : `${place}/${name}`
}
