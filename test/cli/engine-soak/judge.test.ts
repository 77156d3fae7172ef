import { describe, expect, it } from 'vitest'
import { judgeSoak, type SoakRecord } from '../../../src/cli/engine-soak/judge.ts'

const FINE: SoakRecord = {
  planned: 1,
  callerCalls: [call(0, 'talked', 1_000)],
  buyerCalls: [call(0, 'ended', 1_000)],
  outages: [{ killedAtMs: 5_000, backAtMs: 6_000 }],
  engineDeath: undefined,
  faults: 0,
  firstFault: undefined,
  leftovers: [],
  applicationDeaths: [],
  sourcesBanned: 1,
  heap: { beforeBytes: 1_000, afterBytes: 1_064 },
}

const broken = (record: Partial<SoakRecord>): readonly string[] =>
  judgeSoak({ ...FINE, ...record })
    .filter(({ ok }) => !ok)
    .map(({ invariant }) => invariant)

describe('judgeSoak', () => {
  it.each([
    { name: 'finds nothing wrong with a call that talked', record: {}, found: [] },
    {
      name: 'finds a call that its caller was not to make',
      record: { planned: 2 },
      found: ['calls'],
    },
    {
      name: 'finds a call that never ended',
      record: { callerCalls: [call(0)] },
      found: ['failed_calls'],
    },
    {
      name: 'finds a dialog of the buyer that nobody ended',
      record: { buyerCalls: [call(0)] },
      found: ['lost_dialogs'],
    },
    {
      name: 'finds what is left in a table',
      record: { leftovers: ['dialogs: 1'] },
      found: ['left_in_tables'],
    },
    {
      name: 'finds an engine that has died',
      record: { engineDeath: 'out of memory' },
      found: ['engine_deaths'],
    },
    { name: 'finds an error that nobody foresaw', record: { faults: 1 }, found: ['faults'] },
    {
      name: 'finds an application that died by itself',
      record: { applicationDeaths: ['TypeError'] },
      found: ['application_deaths'],
    },
    {
      name: 'finds that a flood was not stopped',
      record: { sourcesBanned: 0 },
      found: ['sources_banned'],
    },
    {
      name: 'finds a heap that grows by more than 64 bytes a call',
      record: { heap: { beforeBytes: 1_000, afterBytes: 1_065 } },
      found: ['heap_bytes_per_call'],
    },
  ])('$name', ({ record, found }) => {
    expect(broken(record)).toEqual(found)
  })

  it.each([
    { name: 'over before the kill', beganAtMs: 4_000, endedAtMs: 4_999, isExcused: false },
    { name: 'up when it was killed', beganAtMs: 4_000, endedAtMs: 5_000, isExcused: true },
    { name: 'begun while it was away', beganAtMs: 5_500, endedAtMs: 5_501, isExcused: true },
    { name: 'begun as it came back', beganAtMs: 6_000, endedAtMs: 6_001, isExcused: true },
    { name: 'begun after it was back', beganAtMs: 6_001, endedAtMs: 6_002, isExcused: false },
    { name: 'up all the time', beganAtMs: 0, endedAtMs: 9_000, isExcused: true },
  ])('blames a kill for a failed call $name: $isExcused', ({ beganAtMs, endedAtMs, isExcused }) => {
    for (const outcome of ['cut', 'refused'])
      expect(broken({ callerCalls: [call(beganAtMs, outcome, endedAtMs)] })).toEqual(
        isExcused ? [] : ['failed_without_a_kill'],
      )
  })
})

function call(beganAtMs: number, name?: string, atMs = 0): SoakRecord['callerCalls'][number] {
  const outcome = name === undefined ? undefined : { name, atMs }
  return { sipCallId: '1@a', beganAtMs, outcome }
}
