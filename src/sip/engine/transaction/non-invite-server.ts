import { type Context, patienceMs, SEND_RESPONSE, start, type Step } from './timers.ts'

export type State =
  | { readonly name: 'trying' }
  | { readonly name: 'proceeding' }
  | { readonly name: 'completed' }
  | { readonly name: 'terminated' }

export type Input =
  | { readonly type: 'retransmission' }
  | { readonly type: 'respond'; readonly status: number }
  | { readonly type: 'timer'; readonly timer: 'J' }

const PROCEEDING: State = { name: 'proceeding' }
const COMPLETED: State = { name: 'completed' }
const TERMINATED: State = { name: 'terminated' }

/** The state of a new server transaction for anything but INVITE. */
export const INITIAL: State = { name: 'trying' }

/**
 * Non-INVITE server transaction, as a function from state and input to state and effects.
 *
 * @see RFC 3261 §17.2.2
 */
export function step(state: State, input: Input, { timers, reliable }: Context): Step<State> {
  switch (state.name) {
    case 'trying':
    case 'proceeding':
      if (input.type === 'retransmission')
        return [state, state.name === 'proceeding' ? [SEND_RESPONSE] : []]
      if (input.type === 'timer') return [state, []]
      if (input.status < 200) return [PROCEEDING, [SEND_RESPONSE]]
      return [COMPLETED, [SEND_RESPONSE, start('J', reliable ? 0 : patienceMs(timers))]]

    case 'completed':
      if (input.type === 'retransmission') return [state, [SEND_RESPONSE]]
      return input.type === 'timer' ? [TERMINATED, []] : [state, []]

    case 'terminated':
      return [state, []]
  }
}
