import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leftovers } from '../../src/cli/engine-rig/leftovers.ts'
import { eventually } from '../sip/engine/support/eventually.ts'
import { CASES } from './cases.ts'
import { type EngineSubjects, startEngineSubjects } from './engine-subjects.ts'
import { onStage } from './stage.ts'

const faults: unknown[] = []
let engines: EngineSubjects

beforeAll(async () => {
  engines = await startEngineSubjects((error) => faults.push(error))
})

afterAll(() => engines.close())

describe('the embedded engine does what a drachtio application relies on', () => {
  for (const [part, cases] of Object.entries(CASES))
    describe(part, () => {
      it.each(cases)(
        '$name',
        async (one) => {
          await onStage(engines.of(one), one.run)
          expect(faults).toEqual([])
        },
        60_000,
      )
    })

  it('and keeps nothing of it', async () => {
    let left = 'not looked at'
    const look = async (): Promise<void> => {
      const stats = await Promise.all(engines.all.map(({ engine }) => engine.stats()))
      left = stats.flatMap((one) => leftovers(one)).join(', ')
    }
    const longestMs = Math.max(...engines.all.map(({ subject }) => subject.timeoutMs))
    await look()
    await eventually(
      () => {
        void look()
        return left === ''
      },
      () => `still there: ${left}`,
      longestMs + 4_000,
    )
  })
})
