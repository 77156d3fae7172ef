import type { HeaderField } from './headers.ts'
import type { Via } from './via.ts'

/** What every message from the network carries, already read and checked. */
interface Envelope {
  readonly headers: readonly HeaderField[]
  /** The body's bytes, one a character, cut to Content-Length. */
  readonly body: string
  /** The whole message as it is handed to an application, one byte a character. */
  readonly text: string
  /** The first Via. */
  readonly via: Via
  readonly fromTag: string | undefined
  readonly toTag: string | undefined
  readonly sipCallId: string
  readonly cseq: number
  readonly cseqMethod: string
}

/** A request from the network. */
export interface SipRequest extends Envelope {
  readonly kind: 'request'
  readonly method: string
  readonly uri: string
}

/** A response from the network. */
export interface SipResponse extends Envelope {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
}

/** A message that cannot be worked with: how to answer if it is a request, and with what. */
export interface Unusable {
  readonly kind: 'unusable'
  /** The answer; undefined if there must be none (a response, or no usable Via). */
  readonly status: number | undefined
  /** Reason phrase, naming what is wrong. */
  readonly reason: string
  /** The headers read up to the fault. */
  readonly headers: readonly HeaderField[]
  readonly method: string
}
