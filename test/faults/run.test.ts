import { expect, it } from 'vitest'
import { startCluster } from '../../src/cli/faults/cluster.ts'
import { runFaults } from '../../src/cli/faults/run.ts'
import { SHORT_RUN } from '../../src/cli/faults.ts'

it(
  'keeps every promise while it is killed and PostgreSQL crashes',
  { timeout: 180_000 },
  async () => {
    const cluster = await startCluster()
    try {
      const result = await runFaults(cluster, { ...SHORT_RUN, name: 'short', seed: 1, calls: 200 })
      const broken = result.verdicts.filter(({ ok }) => !ok)
      // The share of repeats is that of a long run: here one kill alone may be more.
      expect(broken.filter(({ invariant }) => invariant !== 'duplicates_percent')).toEqual([])
      expect(result.kills).toBeGreaterThan(0)
      expect(result.crashes).toBeGreaterThan(0)
    } finally {
      await cluster.close()
    }
  },
)
