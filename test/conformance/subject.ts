import type { Stage } from './stage.ts'

/** The SIP server that is looked at: the embedded engine, or a real drachtio-server. */
export interface Subject {
  readonly kind: 'engine' | 'drachtio'
  readonly admin: { readonly host: string; readonly port: number }
  readonly secret: string
  readonly sip: { readonly host: string; readonly port: number }
  /** What it waits for an ACK or an answer at most: 64·T1. */
  readonly timeoutMs: number
  /** How long a second of Session-Expires lasts there. */
  readonly secondMs: number
}

/** One behaviour, shown on a server from outside. It fails by throwing. */
export interface Case {
  /** A sentence about what the server does. */
  readonly name: string
  readonly run: (stage: Stage) => Promise<void>
  /** How many seconds of Session-Expires it takes at most, if it waits for them. */
  readonly seconds?: number
  /** Where drachtio-server does otherwise and the engine does not follow it. */
  readonly differs?: {
    readonly why: string
    /** What drachtio-server does. */
    readonly run: (stage: Stage) => Promise<void>
  }
}

/** What to run on a server: what it is expected to do, by what is known of its kind. */
export function expectationOf(
  { differs, run }: Case,
  { kind }: Pick<Subject, 'kind'>,
): Case['run'] {
  return kind === 'drachtio' && differs ? differs.run : run
}
