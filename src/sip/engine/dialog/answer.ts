import type { TimerValues } from '../transaction/timers.ts'

/** Where the repetition of a 2xx, or of a reliable provisional response, stands. */
export type State =
  { readonly name: 'unacknowledged'; readonly repeatMs: number } | { readonly name: 'given_up' }

export type Input = { readonly type: 'timer'; readonly timer: 'repeat' | 'give_up' }

export type Effect =
  | { readonly type: 'send' }
  | { readonly type: 'start_timer'; readonly timer: 'repeat' | 'give_up'; readonly afterMs: number }
  /** Neither ACK nor PRACK came within 64·T1. */
  | { readonly type: 'give_up' }

type Step = readonly [next: State, effects: readonly Effect[]]

/**
 * The state and effects the repetition begins with, once the response has been sent. Over a
 * reliable transport a 2xx is not repeated: that deviates from the letter of the RFC, where a proxy
 * further on may use UDP, and is what drachtio-server does.
 */
export function begin(timers: TimerValues, isRepeated: boolean): Step {
  const repeatMs = timers.t1Ms
  const giveUp = startTimer('give_up', 64 * timers.t1Ms)
  const effects = isRepeated ? [startTimer('repeat', repeatMs), giveUp] : [giveUp]
  return [{ name: 'unacknowledged', repeatMs }, effects]
}

/**
 * What a user agent has to see acknowledged it repeats until that happens, as a function from state
 * and input to state and effects. Whoever sees the acknowledgement stops both timers.
 *
 * @param ceilingMs where the doubling ends: T2 for a 2xx, nowhere for a provisional response
 * @see RFC 3261 §13.3.1.4, RFC 3262 §3
 */
export function step(state: State, input: Input, ceilingMs: number): Step {
  if (state.name !== 'unacknowledged') return [state, []]
  if (input.timer === 'give_up') return [{ name: 'given_up' }, [{ type: 'give_up' }]]
  const repeatMs = Math.min(2 * state.repeatMs, ceilingMs)
  return [{ name: 'unacknowledged', repeatMs }, [{ type: 'send' }, startTimer('repeat', repeatMs)]]
}

const startTimer = (timer: 'repeat' | 'give_up', afterMs: number): Effect => ({
  type: 'start_timer',
  timer,
  afterMs,
})
