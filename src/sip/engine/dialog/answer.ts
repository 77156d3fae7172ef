import type { TimerValues } from '../transaction/timers.ts'

/** Where the repetition of a 2xx stands. */
export type State =
  | { readonly name: 'unacknowledged'; readonly repeatMs: number }
  | { readonly name: 'acknowledged' }
  | { readonly name: 'given_up' }

export type Input =
  { readonly type: 'ack' } | { readonly type: 'timer'; readonly timer: 'repeat' | 'give_up' }

export type Effect =
  | { readonly type: 'send' }
  | { readonly type: 'start_timer'; readonly timer: 'repeat' | 'give_up'; readonly afterMs: number }
  /** The ACK has come, for the first time. */
  | { readonly type: 'acknowledged' }
  /** No ACK within 64·T1: the dialog is to be ended with a BYE. */
  | { readonly type: 'give_up' }

type Step = readonly [next: State, effects: readonly Effect[]]

/**
 * The state and effects the repetition begins with, once the transaction has sent the 2xx. Over a
 * reliable transport nothing is repeated: that deviates from the letter of the RFC, where a proxy
 * further on may use UDP, and is what drachtio-server does.
 */
export function begin(timers: TimerValues, reliable: boolean): Step {
  const repeatMs = timers.t1Ms
  const giveUp = startTimer('give_up', 64 * timers.t1Ms)
  const effects = reliable ? [giveUp] : [startTimer('repeat', repeatMs), giveUp]
  return [{ name: 'unacknowledged', repeatMs }, effects]
}

/**
 * A 2xx to an INVITE is repeated by the user agent until its ACK arrives, as a function from state
 * and input to state and effects.
 *
 * @see RFC 3261 §13.3.1.4
 */
export function step(state: State, input: Input, timers: TimerValues): Step {
  if (state.name !== 'unacknowledged') return [state, []]
  if (input.type === 'ack') return [{ name: 'acknowledged' }, [{ type: 'acknowledged' }]]
  if (input.timer === 'give_up') return [{ name: 'given_up' }, [{ type: 'give_up' }]]
  const repeatMs = Math.min(2 * state.repeatMs, timers.t2Ms)
  return [{ name: 'unacknowledged', repeatMs }, [{ type: 'send' }, startTimer('repeat', repeatMs)]]
}

const startTimer = (timer: 'repeat' | 'give_up', afterMs: number): Effect => ({
  type: 'start_timer',
  timer,
  afterMs,
})
