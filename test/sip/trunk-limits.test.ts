import { expect, it } from 'vitest'
import { createTrunkLimits } from '../../src/sip/trunk-limits.ts'
import { aTrunk } from './support/invite.ts'

function start(trunk = aTrunk()) {
  let nowMs = 0
  const limits = createTrunkLimits(() => nowMs)
  const enter = (atMs = nowMs) => {
    nowMs = atMs
    return limits.enter(trunk)
  }
  return { limits, enter }
}

it('lets a second of calls in at once, and then as many a second', () => {
  const { enter } = start(aTrunk({ callsPerSecondMax: 2 }))
  expect([enter(), enter(), enter()].map(({ kind }) => kind)).toEqual([
    'entered',
    'entered',
    'too_many_calls_per_second',
  ])
  expect(enter(499).kind).toBe('too_many_calls_per_second')
  expect(enter(1_000).kind).toBe('entered')
})

it('gives a place back once, however often a call leaves', () => {
  const { enter } = start(aTrunk({ concurrentMax: 1 }))
  const first = enter()
  expect(enter().kind).toBe('too_many_calls')
  if (first.kind !== 'entered') throw new Error(first.kind)
  first.leave()
  first.leave()
  expect(enter().kind).toBe('entered')
  expect(enter().kind).toBe('too_many_calls')
})

it('counts each trunk for itself, and none without limits', () => {
  const { limits, enter } = start(aTrunk({ concurrentMax: 1 }))
  enter()
  expect(limits.enter(aTrunk({ trunkId: 'b', concurrentMax: 1 })).kind).toBe('entered')
  const unlimited = aTrunk({ trunkId: 'c' })
  const kinds = Array.from({ length: 1_000 }, () => limits.enter(unlimited).kind)
  expect(new Set(kinds)).toEqual(new Set(['entered']))
})
