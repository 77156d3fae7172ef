import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type Cluster, startCluster } from '../../src/cli/faults/cluster.ts'
import { startVictim, type Victim } from '../../src/cli/faults/victim.ts'
import { waitFor } from '../support/wait.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.close())

async function startOne(seededBug: string | undefined): Promise<Victim> {
  const { connection } = await cluster.create(seededBug ?? 'sound')
  const victim = await startVictim({
    settings: { connection, keySecret: 'a secret that only this test knows' },
    seededBug,
    compileCache: join(cluster.folder, 'compiled'),
    random: () => 0,
  })
  onTestFinished(victim.close)
  return victim
}

it('counts its kills, and no death', { timeout: 60_000 }, async () => {
  const victim = await startOne(undefined)
  await waitFor(() => victim.killCount() > 1, { what: 'two kills', deadlineMs: 50_000 })
  await victim.close()
  expect(victim.deaths).toEqual([])
})

it(
  'tells a service that ends by itself from one that it has killed',
  { timeout: 60_000 },
  async () => {
    const victim = await startOne('dies_with_a_connection')
    const deadlineMs = performance.now() + 50_000
    while (victim.deaths.length === 0 && performance.now() < deadlineMs) {
      await victim.whenUp()
      cluster.crash()
      const kills = victim.killCount()
      await waitFor(() => victim.deaths.length > 0 || victim.killCount() > kills, {
        what: 'the end of a life',
        deadlineMs: 50_000,
      })
    }
    expect(victim.deaths[0]).toMatch(/connection/i)
  },
)
