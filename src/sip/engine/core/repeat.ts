import { begin, type Effect, type Input, step } from '../dialog/answer.ts'
import type { TimerHandle } from '../transaction/wheel.ts'
import type { Core } from './state.ts'

/** A response that is repeated until it is acknowledged. */
export interface Repetition {
  /** Ends it: it has been acknowledged, or is wanted no more. */
  readonly stop: () => void
}

/** How a response is repeated. */
export interface HowToRepeat {
  readonly send: () => void
  /** Over a stream a 2xx is not repeated, but its acknowledgement is still waited for. */
  readonly isRepeated: boolean
  /** Where the doubling of the interval ends: T2 for a 2xx, never for a provisional response. */
  readonly ceilingMs: number
  /** Nobody acknowledged it within 64·T1. */
  readonly onGiveUp: () => void
}

/** Repeats a response, which was sent once, by what the step function of `dialog/` decides. */
export function repeatUntilAcknowledged(core: Core, how: HowToRepeat): Repetition {
  const timers = new Map<string, TimerHandle>()
  const [first, effects] = begin(core.settings.timers, how.isRepeated)
  let state = first
  const stop = (): void => {
    for (const timer of timers.values()) timer.cancel()
    timers.clear()
  }
  const feed = (input: Input): void => {
    const [next, caused] = step(state, input, how.ceilingMs)
    state = next
    for (const effect of caused) carryOut(effect)
  }
  const carryOut = (effect: Effect): void => {
    switch (effect.type) {
      case 'send':
        how.send()
        break
      case 'start_timer': {
        const { afterMs, timer } = effect
        const handle = core.wheel.start(afterMs, () => feed({ type: 'timer', timer }))
        timers.set(timer, handle)
        break
      }
      case 'give_up':
        stop()
        how.onGiveUp()
    }
  }
  for (const effect of effects) carryOut(effect)
  return { stop }
}
