import { expect, it } from 'vitest'
import { begin, type Input, step } from '../../../../src/sip/engine/dialog/answer.ts'

const TIMERS = { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000, timerCMs: 200_000 }
const repeat: Input = { type: 'timer', timer: 'repeat' }

it('doubles the interval of the 2xx from T1 to T2 and gives up after 64·T1 (RFC 3261 §13.3.1.4)', () => {
  const [first, started] = begin(TIMERS, true)
  const delays = started.flatMap((effect) =>
    effect.type === 'start_timer' ? [effect.afterMs] : [],
  )
  expect(delays).toEqual([500, 32_000])
  let state = first
  const later = [1, 2, 3, 4, 5].map(() => {
    const [next, effects] = step(state, repeat, TIMERS.t2Ms)
    state = next
    return effects.flatMap((effect) => (effect.type === 'start_timer' ? [effect.afterMs] : []))[0]
  })
  expect(later).toEqual([1_000, 2_000, 4_000, 4_000, 4_000])
  expect(step(state, { type: 'timer', timer: 'give_up' }, TIMERS.t2Ms)).toEqual([
    { name: 'given_up' },
    [{ type: 'give_up' }],
  ])
})

it('doubles the interval of a reliable provisional response without a ceiling (RFC 3262 §3)', () => {
  const slow = { name: 'unacknowledged', repeatMs: 8_000 } as const
  const [, effects] = step(slow, repeat, Number.POSITIVE_INFINITY)
  expect(effects).toContainEqual({ type: 'start_timer', timer: 'repeat', afterMs: 16_000 })
})

it('repeats nothing over a reliable transport', () => {
  expect(begin(TIMERS, false)[1]).toEqual([
    { type: 'start_timer', timer: 'give_up', afterMs: 32_000 },
  ])
})
