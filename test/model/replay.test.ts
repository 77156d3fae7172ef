/**
 * Random histories of callers that call again, of buyers that lose calls, and of deadlines that are looked at
 * late: a rehearsal makes of them what was decided live, and no replay pays for a caller twice.
 */
import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { ledgerOf } from '../../src/cli/verify.ts'
import type { FlowDeps } from '../../src/flow/flow-deps.ts'
import { type Difference, rehearse } from '../../src/flow/rehearse.ts'
import { countReplay, replay } from '../../src/flow/replay.ts'
import { verifyLedger } from '../../src/flow/verify-ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import {
  campaignOf,
  findBroken,
  playCallers,
  reversedCallers,
  rulesFor,
  worthOf,
} from './callers.ts'
import { createChance } from './chance.ts'

const SEED = Number(process.env['MODEL_SEED'] ?? 1)
/** `npm run model -- 100000` plays ten waves of 300 calls of each kind. */
const WAVES = Math.ceil(Number(process.env['MODEL_HISTORIES'] ?? 1) / 10_000)
const CALLERS = 100
/** Of which two histories are compared. */
const CALLERS_COMPARED = 50

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
        inOrder: false,
        from: 0,
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

  it.each(kinds)(
    'makes of them what they would have been under the right rules, for what comes after as well: %o',
    async ({ lateLimitSeconds, seed }) => {
      const [wrong, right] = [
        await openTestDatabase({ max: 20 }),
        await openTestDatabase({ max: 20 }),
      ]
      const rules = rulesFor('sale=true', lateLimitSeconds)
      const replaying = await campaignOf(wrong, [rulesFor('sale=yes', lateLimitSeconds), rules])
      const deps = await campaignOf(right, [rules])
      const chances = [createChance(seed), createChance(seed)] as const
      const play = { callers: CALLERS_COMPARED, inOrder: true }
      await playCallers(wrong, replaying, { ...play, chance: chances[0], from: 0 })
      await playCallers(right, deps, { ...play, chance: chances[1], from: 0 })

      const { differing } = await countReplay(replaying, { ...range(), version: 2, why: 'to see' })
      expect(await replayed(replaying, 2)).toBe(differing)
      const reversed = await reversedCallers(right)
      expect(await worthOf(wrong, reversed)).toEqual(await worthOf(right, reversed))

      const now = { ...replaying, campaignRules: async () => rules }
      await playCallers(wrong, now, { ...play, chance: chances[0], from: 1_100 })
      await playCallers(right, deps, { ...play, chance: chances[1], from: 1_100 })
      const reversedSince = await reversedCallers(right)
      expect(await worthOf(wrong, reversedSince)).toEqual(await worthOf(right, reversedSince))
    },
    120_000,
  )
})
