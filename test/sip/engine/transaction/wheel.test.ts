import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { MACHINE_CLOCK } from '../../../../src/sip/engine/transaction/clock.ts'
import {
  createWheel,
  type TimerHandle,
  type Wheel,
} from '../../../../src/sip/engine/transaction/wheel.ts'

let wheel: Wheel
let fired: string[]
const note = (what: string) => () => {
  fired.push(what)
}

beforeEach(() => {
  vi.useFakeTimers()
  fired = []
  const clock = { ...MACHINE_CLOCK, now: () => Date.now() }
  wheel = createWheel({ tickMs: 10, clock, run: (work) => work() })
})

afterEach(() => {
  wheel.close()
  vi.useRealTimers()
})

it('fires no timer early and every timer at most one tick late', () => {
  wheel.start(10_000, note('other'))
  vi.advanceTimersByTime(7) // into the middle of a tick
  wheel.start(500, note('T1'))
  vi.advanceTimersByTime(499)
  expect(fired).toEqual([])
  vi.advanceTimersByTime(11)
  expect(fired).toEqual(['T1'])
})

it('fires in the order of deadlines, also beyond one turn', () => {
  wheel.start(50_000, note('long'))
  wheel.start(20, note('short'))
  vi.advanceTimersByTime(41_000)
  expect(fired).toEqual(['short'])
  vi.advanceTimersByTime(9_020)
  expect(fired).toEqual(['short', 'long'])
})

it('does not fire what was cancelled, even by a timer of the same tick', () => {
  const handles: TimerHandle[] = []
  for (const other of [1, 0])
    handles.push(
      wheel.start(10, () => {
        fired.push('one')
        handles[other]?.cancel()
      }),
    )
  vi.advanceTimersByTime(50)
  expect(fired).toEqual(['one'])
  expect(wheel.size()).toBe(0)
})

it('stops its interval when nothing is left to wait for', () => {
  const timer = wheel.start(1_000, note('never'))
  expect(vi.getTimerCount()).toBe(1)
  timer.cancel()
  timer.cancel()
  expect(wheel.size()).toBe(0)
  vi.advanceTimersByTime(20)
  expect(vi.getTimerCount()).toBe(0)
})

it('fires everything that came due during a long pause', () => {
  wheel.start(100, note('a'))
  wheel.start(60_000, note('b'))
  vi.setSystemTime(Date.now() + 200_000)
  vi.advanceTimersByTime(20)
  expect(fired.toSorted()).toEqual(['a', 'b'])
})
