import {
  type Context,
  DELIVER,
  type Effect,
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
  | { readonly name: 'given_up' }
  | { readonly name: 'terminated' }

export type Input =
  | { readonly type: 'response'; readonly status: number }
  | { readonly type: 'timer'; readonly timer: 'A' | 'B' | 'C' | 'D' | 'M' }
  | { readonly type: 'transport_error' }
  | { readonly type: 'give_up' }

const PROCEEDING: State = { name: 'proceeding' }
const COMPLETED: State = { name: 'completed' }
const ACCEPTED: State = { name: 'accepted' }
const GIVEN_UP: State = { name: 'given_up' }
const TERMINATED: State = { name: 'terminated' }

/** The state and effects a new INVITE client transaction begins with. */
export function begin(context: Context): Step<State> {
  const timerAMs = context.timers.t1Ms
  const state: State = { name: 'calling', timerAMs }
  const timerB = startB(context)
  return context.reliable
    ? [state, [SEND_REQUEST, timerB]]
    : [state, [SEND_REQUEST, start('A', timerAMs), timerB]]
}

/**
 * INVITE client transaction, as a function from state and input to state and effects. Every 2xx is
 * handed up until timer M ends, so that those of forks and retransmissions reach the dialog; timer
 * C, here for a user agent, ends a call that rings for ever.
 *
 * Where RFC 3261 destroys a transaction without a final response, after timer B or a CANCEL that is ignored (§9.1),
 * this one listens for as long again: who answers then is still to be acknowledged and hung up (§13.2.2.4).
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
      return input.type === 'give_up' ? [GIVEN_UP, [startB(context)]] : [state, []]

    case 'completed':
      if (input.type === 'response' && input.status >= 300) return [state, [SEND_ACK]]
      if (input.type === 'timer' && input.timer === 'D') return [TERMINATED, []]
      return [state, []]

    case 'accepted':
      if (input.type === 'response' && isSuccess(input.status)) return [state, [DELIVER]]
      if (input.type === 'timer' && input.timer === 'M') return [TERMINATED, []]
      return [state, []]

    case 'given_up':
      return givenUp(state, input, context)

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
      if (input.timer === 'B') return [GIVEN_UP, [startB(context), report('timeout')]]
      if (input.timer !== 'A') return [state, []]
      const timerAMs = 2 * state.timerAMs // no ceiling at T2: INVITE goes on doubling
      return [{ name: 'calling', timerAMs }, [SEND_REQUEST, start('A', timerAMs)]]
    }
    case 'give_up':
      return [state, []]
  }
}

/** Its user has been told that it failed, and hears of nothing but a 2xx. */
function givenUp(state: State, input: Input, context: Context): Step<State> {
  if (input.type === 'timer' && input.timer === 'B') return [TERMINATED, []]
  if (input.type !== 'response' || input.status < 200) return [state, []]
  const [next, effects] = respond(input.status, context)
  return [next, isSuccess(input.status) ? effects : effects.filter((effect) => effect !== DELIVER)]
}

function respond(status: number, { timers, reliable }: Context): Step<State> {
  if (status < 200) return [PROCEEDING, [start('C', timers.timerCMs), DELIVER]]
  if (isSuccess(status)) return [ACCEPTED, [start('M', patienceMs(timers)), DELIVER]]
  const timerDMs = reliable ? 0 : patienceMs(timers)
  return [COMPLETED, [SEND_ACK, start('D', timerDMs), DELIVER]]
}

const startB = ({ timers }: Context): Effect => start('B', patienceMs(timers))

const isSuccess = (status: number): boolean => status >= 200 && status < 300
