import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Cluster, startCluster } from '../../src/cli/faults/cluster.ts'
import { judgeEffort } from '../../src/cli/faults/judge.ts'
import { runFaults } from '../../src/cli/faults/run.ts'
import { SHORT_RUN } from '../../src/cli/faults.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.close())

it(
  'keeps every promise while it is killed and PostgreSQL crashes',
  { timeout: 240_000 },
  async () => {
    const result = await runFaults(cluster, { ...SHORT_RUN, name: 'short', seed: 1, calls: 150 })
    const broken = result.verdicts.filter(({ ok }) => !ok)
    // The share of repeats is that of a long run: here one kill alone may be more.
    expect(broken.filter(({ invariant }) => invariant !== 'duplicates_percent')).toEqual([])
    expect(judgeEffort(result, 150).filter(({ ok }) => !ok)).toEqual([])
  },
)

// The two that show with few calls; `npm run faults -- bugs` has them all.
it.each([
  ['done_before_sent', 'undelivered'],
  ['new_id_each_attempt', 'changed_ids'],
])('catches the seeded bug %s', { timeout: 240_000 }, async (seededBug, invariant) => {
  // Neither needs a crash to show.
  const few = { calls: 60, concurrency: 16, crashEveryMs: 600_000 }
  const options = { ...SHORT_RUN, ...few, name: seededBug, seed: 1, seededBug }
  const { verdicts } = await runFaults(cluster, options)
  expect(verdicts.flatMap((each) => (each.ok ? [] : [each.invariant]))).toContain(invariant)
})
