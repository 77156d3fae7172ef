import type { Context, Effect, Step } from '../../../../src/sip/engine/transaction/timers.ts'

export const TIMERS = { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000, timerCMs: 200_000 }
export const UDP: Context = { timers: TIMERS, reliable: false }
export const TCP: Context = { timers: TIMERS, reliable: true }

/** Feeds inputs one after the other and lists the effects of each in short words. */
export function play<State, Input>(
  step: (state: State, input: Input, context: Context) => Step<State>,
  from: State,
  inputs: readonly Input[],
  context = UDP,
): { readonly state: State; readonly effects: readonly (readonly string[])[] } {
  let state = from
  const effects = inputs.map((input) => {
    const [next, caused] = step(state, input, context)
    state = next
    return caused.map(inWords)
  })
  return { state, effects }
}

/** `send_request`, `A 500` for a timer, `timeout` for a report. */
export function inWords(effect: Effect): string {
  switch (effect.type) {
    case 'start_timer':
      return `${effect.timer} ${effect.afterMs}`
    case 'report':
      return effect.failure
    case 'send_request':
    case 'send_response':
    case 'send_ack':
    case 'deliver':
      return effect.type
  }
}
