import { describe, expect, it } from 'vitest'
import type { CallLimits, Trunk } from '../../src/domain/campaign.ts'
import { createTrunkLimits, type Entrance } from '../../src/sip/trunk-limits.ts'
import { aTrunk } from './support/invite.ts'

const CALL = { caller: '+12125550100', dialled: '+18005550100' }

function start(overrides: Partial<Trunk> = {}) {
  let nowMs = 0
  const trunk = aTrunk(overrides)
  const limits = createTrunkLimits(() => nowMs)
  const enter = (call: Partial<Entrance> = {}) => limits.enter({ trunk, ...CALL, ...call })
  /** `entered`, or why not. */
  const outcome = (call: Partial<Entrance> = {}) => {
    const entry = enter(call)
    return entry.kind === 'refused' ? entry.reason : entry.kind
  }
  return { limits, enter, outcome, at: (atMs: number) => (nowMs = atMs) }
}

/** Takes a place that is free. */
function taken(entry: ReturnType<ReturnType<typeof start>['enter']>): () => void {
  if (entry.kind !== 'entered') throw new Error(entry.reason)
  return entry.leave
}

const only = (limits: Partial<CallLimits>): CallLimits => ({
  callsPerSecondMax: undefined,
  concurrentMax: undefined,
  ...limits,
})

it('lets a second of calls in at once, and then as many a second', () => {
  const { outcome, at } = start({ callsPerSecondMax: 2 })
  expect([outcome(), outcome(), outcome()]).toEqual([
    'entered',
    'entered',
    'too_many_calls_per_second',
  ])
  at(499)
  expect(outcome()).toBe('too_many_calls_per_second')
  at(1_000)
  expect(outcome()).toBe('entered')
})

it('gives a place back once, however often a call leaves', () => {
  const { enter, outcome } = start({ concurrentMax: 2 })
  const [leave] = [taken(enter()), taken(enter())]
  expect(outcome()).toBe('too_many_calls')
  leave()
  leave()
  expect(outcome()).toBe('entered')
  expect(outcome()).toBe('too_many_calls')
})

it('counts each trunk for itself, and none without limits', () => {
  const { enter, outcome } = start({ concurrentMax: 1 })
  taken(enter())
  expect(outcome({ trunk: aTrunk({ trunkId: 'b', concurrentMax: 1 }) })).toBe('entered')
  const trunk = aTrunk({ trunkId: 'c' })
  const outcomes = Array.from({ length: 1_000 }, () => outcome({ trunk }))
  expect(new Set(outcomes)).toEqual(new Set(['entered']))
  expect(outcome({ trunk: undefined })).toBe('entered')
})

describe('a caller', () => {
  const OTHER = { caller: '+12125550199' }

  it('has as many calls at once as the trunk lets one have, whatever it dials', () => {
    const { enter, outcome } = start({ perCaller: only({ concurrentMax: 1 }) })
    const leave = taken(enter())
    expect(outcome({ dialled: '+18005550101' })).toBe('too_many_calls_of_caller')
    expect(outcome(OTHER)).toBe('entered')
    leave()
    expect(outcome()).toBe('entered')
  })

  it('makes calls as often as the trunk lets one, also less than one a second', () => {
    const { outcome, at } = start({ perCaller: only({ callsPerSecondMax: 0.1 }) })
    expect([outcome(), outcome(), outcome(OTHER)]).toEqual([
      'entered',
      'too_many_calls_per_second_of_caller',
      'entered',
    ])
    at(9_999)
    expect(outcome()).toBe('too_many_calls_per_second_of_caller')
    at(10_000)
    expect(outcome()).toBe('entered')
  })

  it('who withholds the number is none that could be counted', () => {
    const { outcome } = start({ perCaller: only({ concurrentMax: 1 }) })
    const calls = [outcome({ caller: undefined }), outcome({ caller: undefined })]
    expect(calls).toEqual(['entered', 'entered'])
  })
})

describe('a tracking number', () => {
  const OTHER = { dialled: '+18005550101' }

  it('gets as many calls at once as the trunk lets one get, whoever calls', () => {
    const { outcome } = start({ perNumber: only({ concurrentMax: 1 }) })
    const calls = [outcome(), outcome({ caller: undefined }), outcome(OTHER)]
    expect(calls).toEqual(['entered', 'too_many_calls_to_number', 'entered'])
  })

  it('gets calls as often as the trunk lets one get', () => {
    const { outcome } = start({ perNumber: only({ callsPerSecondMax: 1 }) })
    const calls = [outcome(), outcome(), outcome(OTHER)]
    expect(calls).toEqual(['entered', 'too_many_calls_per_second_to_number', 'entered'])
  })
})

describe('a tracking number that several trunks reach', () => {
  const trunkOf = (trunkId: string, limits: Partial<CallLimits>) =>
    aTrunk({ trunkId, perNumber: only(limits) })

  it('has one count for all of them, and each trunk its own limit', () => {
    const { outcome, enter } = start()
    const [a, b] = [trunkOf('a', { concurrentMax: 1 }), trunkOf('b', { concurrentMax: 2 })]
    const leave = taken(enter({ trunk: a }))
    expect([outcome({ trunk: a }), outcome({ trunk: b }), outcome({ trunk: b })]).toEqual([
      'too_many_calls_to_number',
      'entered',
      'too_many_calls_to_number',
    ])
    leave()
    expect([outcome({ trunk: a }), outcome({ trunk: b })]).toEqual([
      'too_many_calls_to_number',
      'entered',
    ])
  })

  it('gets as many calls a second as one trunk lets it get, whichever they come by', () => {
    const { outcome, at } = start()
    const [a, b] = [trunkOf('a', { callsPerSecondMax: 2 }), trunkOf('b', { callsPerSecondMax: 2 })]
    expect([outcome({ trunk: a }), outcome({ trunk: b }), outcome({ trunk: a })]).toEqual([
      'entered',
      'entered',
      'too_many_calls_per_second_to_number',
    ])
    at(500)
    expect([outcome({ trunk: b }), outcome({ trunk: a })]).toEqual([
      'entered',
      'too_many_calls_per_second_to_number',
    ])
  })

  it('gets more by a trunk that lets it get more, and none by one that lets it get less', () => {
    const { outcome, at } = start()
    const [few, many] = [
      trunkOf('few', { callsPerSecondMax: 1 }),
      trunkOf('many', { callsPerSecondMax: 10 }),
    ]
    const calls = () => Array.from({ length: 11 }, () => outcome({ trunk: many }))
    expect(calls().filter((call) => call === 'entered')).toHaveLength(10)
    at(900)
    expect(outcome({ trunk: few })).toBe('too_many_calls_per_second_to_number')
    expect(outcome({ trunk: many })).toBe('entered')
    at(2_899)
    expect(outcome({ trunk: few })).toBe('too_many_calls_per_second_to_number')
    at(2_900)
    expect(outcome({ trunk: few })).toBe('entered')
  })
})

it('a call that one limit keeps out counts for no other', () => {
  const { enter, outcome, at } = start({
    callsPerSecondMax: 2,
    perCaller: only({ concurrentMax: 1 }),
    perNumber: only({ callsPerSecondMax: 2 }),
  })
  taken(enter())
  expect(outcome()).toBe('too_many_calls_of_caller')
  expect(outcome({ caller: '+12125550199' })).toBe('entered')
  at(1_000)
  expect(outcome({ caller: '+12125550198' })).toBe('entered')
})

it('the last 50,000 callers are remembered, and not twice as many', () => {
  const { enter, outcome } = start({
    perCaller: { callsPerSecondMax: 0.001, concurrentMax: 1 },
  })
  const up = taken(enter())
  const pass = (from: number, to: number) => {
    for (let index = from; index < to; index++) taken(enter({ caller: `+1${index}` }))()
  }
  pass(0, 49_999)
  expect(outcome({ caller: '+149998' })).toBe('too_many_calls_per_second_of_caller')
  expect(outcome({ caller: '+11' })).toBe('too_many_calls_per_second_of_caller')
  expect(outcome()).toBe('too_many_calls_of_caller')
  up()
  expect(outcome()).toBe('too_many_calls_per_second_of_caller')
  pass(49_999, 100_001)
  expect(outcome()).toBe('entered')
})
