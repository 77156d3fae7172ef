/**
 * Random histories of calls, postbacks, corrections, clock steps, lost connections and two processes, each
 * explained by a model. 2,000 of them here; as many as you like with `npm run model -- 100000`.
 */
import { describe, expect, it } from 'vitest'
import { ledgerOf } from '../../src/cli/verify.ts'
import { type Difference, rehearse } from '../../src/flow/rehearse.ts'
import { verifyLedger } from '../../src/flow/verify-ledger.ts'
import type { Database } from '../../src/db/queryable.ts'
import { openTestDatabase } from '../support/database.ts'
import type { Bug } from './bugs.ts'
import { playWave, storeVersions } from './history.ts'
import { rulesOf } from './rules.ts'

const HISTORIES = Number(process.env['MODEL_HISTORIES'] ?? 2_000)
const SEED = Number(process.env['MODEL_SEED'] ?? 1)
/** A bug that shows in fewer than one history in this many would go unnoticed. */
const HISTORIES_TO_CATCH_MAX = 2_000
/** Calls that are played together; of many, more at a time, since a step of the clock costs the same. */
const WAVE = HISTORIES > HISTORIES_TO_CATCH_MAX ? 1_000 : 250
const MS_PER_HISTORY_MAX = 60

async function start() {
  const database = await openTestDatabase({ max: 20 })
  await storeVersions(database)
  return database
}

/** For the person who waits for many. */
function tellProgress(done: number, startMs: number): void {
  if (HISTORIES <= HISTORIES_TO_CATCH_MAX) return
  const perSecond = Math.round((done * 1_000) / (performance.now() - startMs))
  process.stderr.write(`model: ${done} of ${HISTORIES} histories, ${perSecond}/s\n`)
}

/** Calls of which a rehearsal under their own rules makes something else than was decided. */
async function differences(database: Database): Promise<readonly Difference[]> {
  const found: Difference[] = []
  await rehearse(database, {
    campaignId: 'solar',
    since: new Date(Date.now() - 86_400_000),
    until: new Date(Date.now() + 86_400_000),
    rulesFor: rulesOf,
    onDifference: (difference) => void found.push(difference),
  })
  return found
}

describe('settlement', () => {
  it(
    `is what the model says in ${HISTORIES} random histories (I1 to I6)`,
    async () => {
      const database = await start()
      const startMs = performance.now()
      for (let wave = 0; wave < HISTORIES / WAVE; wave++) {
        const seed = SEED * 1_000_003 + wave
        const wrong = await playWave(database, { bug: 'none', seed, calls: WAVE })
        expect(wrong.slice(0, 3), `seed ${SEED}, wave ${wave} of ${WAVE}`).toEqual([])
        tellProgress((wave + 1) * WAVE, startMs)
      }
      const source = {
        ...ledgerOf(database),
        campaignRules: async (_: string, version: number) => rulesOf(version),
      }
      expect(await verifyLedger(source)).toMatchObject({ kind: 'right' })
      expect((await differences(database)).slice(0, 3)).toEqual([])
    },
    30_000 + HISTORIES * MS_PER_HISTORY_MAX,
  )
})

describe('the model', () => {
  it.each<Bug>([
    'no lock before the read',
    'outbox written after commit',
    'amounts in floats',
    'deadline by the process clock',
    'answer before commit',
  ])(
    'notices the bug "%s"',
    async (bug) => {
      const database = await start()
      for (let wave = 0; wave < HISTORIES_TO_CATCH_MAX / WAVE; wave++) {
        const wrong = await playWave(database, { bug, seed: SEED + wave, calls: WAVE })
        if (wrong.length > 0) return
      }
      expect.unreachable(`${bug}: nothing was wrong in ${HISTORIES_TO_CATCH_MAX} histories`)
    },
    120_000,
  )
})
