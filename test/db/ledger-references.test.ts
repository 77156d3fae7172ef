import { expect, it } from 'vitest'
import type { Database } from '../../src/db/queryable.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import { aCampaign, anEndedCall, openFlow } from '../support/flow.ts'

const STRAY = '01a20a39-b353-7be3-93b6-ebed132167d5'

/** A database with one settled call. */
async function withOneEntry(): Promise<{ database: Database; callUuid: string; month: string }> {
  const { database, deps } = await openFlow(aCampaign({ trackingUrls: [] }))
  const callUuid = await anEndedCall(deps)
  await database.setClock('601 seconds')
  await expirePostbacks(deps)
  const { rows } = await database.query<{ month: string }>(
    'select tableoid::regclass::text as month from settlements',
  )
  return { database, callUuid, month: rows[0]?.month ?? '' }
}

it.each(['settlements', 'its month', 'settlements_default'])(
  'the ledger refuses an entry of no call, put into %s',
  async (table) => {
    const { database, month } = await withOneEntry()
    const name = table === 'its month' ? month : table
    const uuid = name === 'settlements_default' ? STRAY.replace(/^01a2/, 'ffff') : STRAY
    const added = database.query(
      `insert into ${name} select (json_populate_record(s, json_build_object('call_uuid', $1::text,
                                     'position', nextval('ledger_positions')))).* from settlements s`,
      [name === 'settlements_default' ? uuid : await sameMonth(database, STRAY)],
    )
    await expect(added).rejects.toThrow('has an entry of a call that does not exist')
  },
)

/** A UUID of no call, of the month of the one there is. */
async function sameMonth(database: Database, uuid: string): Promise<string> {
  const { rows } = await database.query<{ callUuid: string }>(
    'select call_uuid "callUuid" from calls',
  )
  return `${rows[0]?.callUuid.slice(0, 13) ?? ''}${uuid.slice(13)}`
}

it.each([
  ['deleted', 'delete from calls'],
  ['given another UUID', 'update calls set call_uuid = uuidv4()'],
])('a call with entries in the ledger cannot be %s', async (_, statement) => {
  const { database } = await withOneEntry()
  await expect(database.query(statement)).rejects.toThrow('has entries in the ledger')
})

it('a call without entries can be deleted', async () => {
  const { database, deps } = await openFlow(aCampaign({ trackingUrls: [] }))
  await anEndedCall(deps)
  await database.query('delete from legs')
  expect((await database.query('delete from calls')).rowCount).toBe(1)
})
