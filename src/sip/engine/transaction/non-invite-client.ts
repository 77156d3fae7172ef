import {
  type Context,
  DELIVER,
  patienceMs,
  report,
  SEND_REQUEST,
  start,
  type Step,
} from './timers.ts'

export type State =
  | { readonly name: 'trying'; readonly timerEMs: number }
  | { readonly name: 'proceeding' }
  | { readonly name: 'completed' }
  | { readonly name: 'terminated' }

export type Input =
  | { readonly type: 'response'; readonly status: number }
  | { readonly type: 'timer'; readonly timer: 'E' | 'F' | 'K' }
  | { readonly type: 'transport_error' }

const PROCEEDING: State = { name: 'proceeding' }
const COMPLETED: State = { name: 'completed' }
const TERMINATED: State = { name: 'terminated' }

/** The state and effects a new client transaction for anything but INVITE begins with. */
export function begin({ timers, reliable }: Context): Step<State> {
  const state: State = { name: 'trying', timerEMs: timers.t1Ms }
  const timerF = start('F', patienceMs(timers))
  return reliable
    ? [state, [SEND_REQUEST, timerF]]
    : [state, [SEND_REQUEST, start('E', timers.t1Ms), timerF]]
}

/**
 * Non-INVITE client transaction, as a function from state and input to state and effects. Timer F
 * runs in "proceeding" too, where the request is repeated every T2.
 *
 * @see RFC 3261 §17.1.2
 */
export function step(state: State, input: Input, context: Context): Step<State> {
  switch (state.name) {
    case 'trying':
    case 'proceeding':
      return waiting(state, input, context)

    case 'completed':
      return input.type === 'timer' && input.timer === 'K' ? [TERMINATED, []] : [state, []]

    case 'terminated':
      return [state, []]
  }
}

function waiting(
  state: Extract<State, { name: 'trying' | 'proceeding' }>,
  input: Input,
  { timers, reliable }: Context,
): Step<State> {
  switch (input.type) {
    case 'response':
      if (input.status < 200) return [PROCEEDING, [DELIVER]]
      return [COMPLETED, [start('K', reliable ? 0 : timers.t4Ms), DELIVER]]
    case 'transport_error':
      return [TERMINATED, [report('transport_error')]]
    case 'timer': {
      if (input.timer === 'F') return [TERMINATED, [report('timeout')]]
      if (input.timer !== 'E') return [state, []]
      if (state.name === 'proceeding') return [state, [SEND_REQUEST, start('E', timers.t2Ms)]]
      const timerEMs = Math.min(2 * state.timerEMs, timers.t2Ms)
      return [{ name: 'trying', timerEMs }, [SEND_REQUEST, start('E', timerEMs)]]
    }
  }
}
