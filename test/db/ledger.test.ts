import { expect, it } from 'vitest'
import { findCallWithoutEntry } from '../../src/db/ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import { anEndedCall, flowOn } from '../support/flow.ts'

it.each([
  `conversion = 'converted', revenue = 999, payout = 999, settled_at = now()`,
  `conversion = 'not_converted', reason = 'no_postback', settled_at = now()`,
  `revision = 1`,
])('finds a call that was decided without an entry: %s (I5)', async (change) => {
  const database = await openTestDatabase()
  const waiting = await anEndedCall(await flowOn(database))
  expect(await findCallWithoutEntry(database)).toBeUndefined()
  await database.query(`update calls set ${change} where call_uuid = $1`, [waiting])
  expect(await findCallWithoutEntry(database)).toBe(waiting)
})
