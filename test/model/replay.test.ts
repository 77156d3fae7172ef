/**
 * Random histories of callers that call again, of buyers that lose calls, and of deadlines that are looked at
 * late: a rehearsal makes of them what was decided live, and no replay pays for a caller twice.
 */
import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { ledgerOf } from '../../src/cli/verify.ts'
import type { FlowDeps } from '../../src/flow/flow-deps.ts'
import { type Difference, rehearse } from '../../src/flow/rehearse.ts'
import { replay } from '../../src/flow/replay.ts'
import { verifyLedger } from '../../src/flow/verify-ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import { campaignOf, findBroken, playCallers, rulesFor } from './callers.ts'
import { createChance } from './chance.ts'

const SEED = Number(process.env['MODEL_SEED'] ?? 1)
/** `npm run model -- 100000` plays ten waves of 300 calls of each kind. */
const WAVES = Math.ceil(Number(process.env['MODEL_HISTORIES'] ?? 1) / 10_000)
const CALLERS = 100

const range = () => ({
  campaignId: 'solar',
  since: new Date(Date.now() - 86_400_000),
  until: new Date(Date.now() + 86_400_000),
})

const replayed = (deps: FlowDeps, version: number): Promise<number> =>
  replay(deps, { ...range(), replayId: uuidv7(), version, why: 'to see', madeBy: 'anna' })

describe('settling anew', () => {
  const waves = Array.from({ length: WAVES }, (_, wave) => SEED * 1_000_003 + wave)
  const kinds = waves.flatMap((seed) => [
    { seed, lateLimitSeconds: undefined },
    { seed, lateLimitSeconds: 0 },
    { seed, lateLimitSeconds: 60 },
  ])
  it.each(kinds)(
    'changes nothing under the same rules, and pays no caller twice under others: %o',
    async ({ lateLimitSeconds, seed }) => {
      const database = await openTestDatabase({ max: 20 })
      const misspelt = rulesFor('sale=yes', lateLimitSeconds)
      const deps = await campaignOf(database, [misspelt, rulesFor('sale=true', undefined)])
      const calls = await playCallers(database, deps, {
        chance: createChance(seed),
        callers: CALLERS,
      })
      expect(await findBroken(database, calls)).toEqual([])

      const differences: Difference[] = []
      const onDifference = (difference: Difference) => void differences.push(difference)
      await rehearse(database, { ...range(), rulesFor: () => misspelt, onDifference })
      expect(differences).toEqual([])
      expect(await replayed(deps, 1)).toBe(0)

      expect(await replayed(deps, 2)).toBeGreaterThan(0)
      expect(await findBroken(database, calls)).toEqual([])
      expect(await replayed(deps, 2)).toBe(0)
      const source = { ...ledgerOf(database), campaignRules: deps.campaignRules }
      expect(await verifyLedger(source)).toMatchObject({ kind: 'right' })
    },
    60_000,
  )
})
