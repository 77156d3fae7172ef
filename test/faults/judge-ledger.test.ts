import { expect, it } from 'vitest'
import { judgeLedger } from '../../src/cli/faults/judge-ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import { anEndedCall, flowOn } from '../support/flow.ts'

it('notices money that no entry explains, and that nothing was anchored (I5)', async () => {
  const database = await openTestDatabase()
  const callUuid = await anEndedCall(await flowOn(database))
  const wrong = async () =>
    (await judgeLedger(database)).flatMap(({ invariant, ok, example = '' }) =>
      ok ? [] : [`${invariant}: ${example}`],
    )
  expect(await wrong()).toEqual(['anchors: 0 of 1'])
  await database.query(
    `update calls set conversion = 'converted', revenue = 999, payout = 999, settled_at = now()`,
  )
  expect(await wrong()).toEqual([`ledger: call ${callUuid} its last entry is missing`])
})
