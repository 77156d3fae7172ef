import {
  type Context,
  DELIVER,
  patienceMs,
  report,
  SEND_ACK,
  SEND_REQUEST,
  start,
  type Step,
} from './timers.ts'

export type State =
  | { readonly name: 'calling'; readonly timerAMs: number }
  | { readonly name: 'proceeding' }
  | { readonly name: 'completed' }
  | { readonly name: 'accepted' }
  | { readonly name: 'terminated' }

export type Input =
  | { readonly type: 'response'; readonly status: number }
  | { readonly type: 'timer'; readonly timer: 'A' | 'B' | 'C' | 'D' | 'M' }
  | { readonly type: 'transport_error' }

const PROCEEDING: State = { name: 'proceeding' }
const COMPLETED: State = { name: 'completed' }
const ACCEPTED: State = { name: 'accepted' }
const TERMINATED: State = { name: 'terminated' }

/** The state and effects a new INVITE client transaction begins with. */
export function begin({ timers, reliable }: Context): Step<State> {
  const timerAMs = timers.t1Ms
  const state: State = { name: 'calling', timerAMs }
  const timerB = start('B', patienceMs(timers))
  return reliable
    ? [state, [SEND_REQUEST, timerB]]
    : [state, [SEND_REQUEST, start('A', timerAMs), timerB]]
}

/**
 * INVITE client transaction, as a function from state and input to state and effects. Every 2xx is
 * handed up until timer M ends, so that those of forks and retransmissions reach the dialog; timer
 * C, here for a user agent, ends a call that rings for ever.
 *
 * @see RFC 3261 §17.1.1, as amended by RFC 6026 §7.2 ("accepted")
 */
export function step(state: State, input: Input, context: Context): Step<State> {
  switch (state.name) {
    case 'calling':
      return calling(state, input, context)

    case 'proceeding':
      if (input.type === 'response') return respond(input.status, context)
      if (input.type === 'timer' && input.timer === 'C')
        return [state, [report('ringing_too_long')]]
      return [state, []]

    case 'completed':
      if (input.type === 'response' && input.status >= 300) return [state, [SEND_ACK]]
      if (input.type === 'timer' && input.timer === 'D') return [TERMINATED, []]
      return [state, []]

    case 'accepted':
      if (input.type === 'response' && isSuccess(input.status)) return [state, [DELIVER]]
      if (input.type === 'timer' && input.timer === 'M') return [TERMINATED, []]
      return [state, []]

    case 'terminated':
      return [state, []]
  }
}

function calling(
  state: { readonly name: 'calling'; readonly timerAMs: number },
  input: Input,
  context: Context,
): Step<State> {
  switch (input.type) {
    case 'response':
      return respond(input.status, context)
    case 'transport_error':
      return [TERMINATED, [report('transport_error')]]
    case 'timer': {
      if (input.timer === 'B') return [TERMINATED, [report('timeout')]]
      if (input.timer !== 'A') return [state, []]
      const timerAMs = 2 * state.timerAMs // no ceiling at T2: INVITE goes on doubling
      return [{ name: 'calling', timerAMs }, [SEND_REQUEST, start('A', timerAMs)]]
    }
  }
}

function respond(status: number, { timers, reliable }: Context): Step<State> {
  if (status < 200) return [PROCEEDING, [start('C', timers.timerCMs), DELIVER]]
  if (isSuccess(status)) return [ACCEPTED, [start('M', patienceMs(timers)), DELIVER]]
  const timerDMs = reliable ? 0 : patienceMs(timers)
  return [COMPLETED, [SEND_ACK, start('D', timerDMs), DELIVER]]
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300
