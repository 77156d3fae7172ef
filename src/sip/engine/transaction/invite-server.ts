import { type Context, type Effect, patienceMs, SEND_RESPONSE, start, type Step } from './timers.ts'

export type State =
  | { readonly name: 'proceeding'; readonly responded: boolean }
  | { readonly name: 'completed'; readonly timerGMs: number }
  | { readonly name: 'confirmed' }
  | { readonly name: 'accepted' }
  | { readonly name: 'terminated' }

export type Input =
  | { readonly type: 'retransmission' }
  | { readonly type: 'ack' }
  | { readonly type: 'respond'; readonly status: number }
  | { readonly type: 'timer'; readonly timer: 'G' | 'H' | 'I' | 'L' }

const RESPONDED: State = { name: 'proceeding', responded: true }
const CONFIRMED: State = { name: 'confirmed' }
const ACCEPTED: State = { name: 'accepted' }
const TERMINATED: State = { name: 'terminated' }

/** The state of a new INVITE server transaction. The 100 is the first response it is given. */
export const INITIAL: State = { name: 'proceeding', responded: false }

/**
 * INVITE server transaction, as a function from state and input to state and effects. A 2xx is
 * repeated by the dialog, not here; an ACK in "accepted" belongs to the dialog too.
 *
 * @see RFC 3261 §17.2.1, as amended by RFC 6026 §7.1 ("accepted")
 */
export function step(state: State, input: Input, context: Context): Step<State> {
  switch (state.name) {
    case 'proceeding':
      if (input.type === 'respond') return respond(input.status, context)
      if (input.type === 'retransmission' && state.responded) return [state, [SEND_RESPONSE]]
      return [state, []]

    case 'completed':
      return completed(state, input, context)

    case 'confirmed':
      return input.type === 'timer' && input.timer === 'I' ? [TERMINATED, []] : [state, []]

    case 'accepted':
      return input.type === 'timer' && input.timer === 'L' ? [TERMINATED, []] : [state, []]

    case 'terminated':
      return [state, []]
  }
}

function completed(
  state: { readonly name: 'completed'; readonly timerGMs: number },
  input: Input,
  { timers, reliable }: Context,
): Step<State> {
  switch (input.type) {
    case 'ack':
      return [CONFIRMED, [start('I', reliable ? 0 : timers.t4Ms)]]
    case 'retransmission':
      return [state, [SEND_RESPONSE]]
    case 'respond':
      return [state, []]
    case 'timer': {
      if (input.timer === 'H') return [TERMINATED, []]
      if (input.timer !== 'G') return [state, []]
      const timerGMs = Math.min(2 * state.timerGMs, timers.t2Ms)
      return [{ name: 'completed', timerGMs }, [SEND_RESPONSE, start('G', timerGMs)]]
    }
  }
}

function respond(status: number, { timers, reliable }: Context): Step<State> {
  if (status < 200) return [RESPONDED, [SEND_RESPONSE]]
  const patience = patienceMs(timers)
  if (status < 300) return [ACCEPTED, [SEND_RESPONSE, start('L', patience)]]
  const effects: Effect[] = [SEND_RESPONSE, start('H', patience)]
  if (!reliable) effects.push(start('G', timers.t1Ms))
  return [{ name: 'completed', timerGMs: timers.t1Ms }, effects]
}
