/** The base values that every SIP timer is made of, in milliseconds. @see RFC 3261 §17.1.1.1, table 4 */
export interface TimerValues {
  /** Estimate of the round trip: 500 ms by default. */
  readonly t1Ms: number
  /** Longest interval between retransmissions of anything but an INVITE: 4 s. */
  readonly t2Ms: number
  /** Longest time that a message stays in the network: 5 s. */
  readonly t4Ms: number
  /** How long an INVITE may ring without a final response before it is cancelled: 200 s. */
  readonly timerCMs: number
}

/** What a transaction has to know of its surroundings. */
export interface Context {
  readonly timers: TimerValues
  /** Whether the transport repeats lost packets by itself (TCP, TLS). */
  readonly reliable: boolean
}

/** The timers of RFC 3261 table 4, with L and M of RFC 6026 and C for a call that rings for ever. */
export type TimerName = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M'

/** Something that the transaction layer carries out for a transaction. */
export type Effect =
  /** Send the request, again or for the first time. */
  | { readonly type: 'send_request' }
  /** Send the last response again, or the one just given for the first time. */
  | { readonly type: 'send_response' }
  /** Acknowledge the final response, which is not a 2xx. */
  | { readonly type: 'send_ack' }
  /** Hand the response to the user of the transaction. */
  | { readonly type: 'deliver' }
  | { readonly type: 'start_timer'; readonly timer: TimerName; readonly afterMs: number }
  /** Tell the user of the transaction that nothing more will come. */
  | { readonly type: 'report'; readonly failure: Failure }

/** Why a transaction ended without what it was waiting for. */
export type Failure = 'timeout' | 'transport_error' | 'ringing_too_long' | 'cancelled'

/** Next state and what to do. */
export type Step<State> = readonly [next: State, effects: readonly Effect[]]

export const SEND_REQUEST: Effect = { type: 'send_request' }
export const SEND_RESPONSE: Effect = { type: 'send_response' }
export const SEND_ACK: Effect = { type: 'send_ack' }
export const DELIVER: Effect = { type: 'deliver' }

/** Starts a timer; a timer of 0 ms, as on reliable transports, fires at once. */
export function start(timer: TimerName, afterMs: number): Effect {
  return { type: 'start_timer', timer, afterMs }
}

/** Reports a failure to the user of the transaction. */
export function report(failure: Failure): Effect {
  return { type: 'report', failure }
}

/** How long the other side is given before a transaction times out: 64·T1, 32 s by default. */
export function patienceMs(timers: TimerValues): number {
  return 64 * timers.t1Ms
}
