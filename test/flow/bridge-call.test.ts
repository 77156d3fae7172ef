import { expect, it } from 'vitest'
import { bridgeCalls } from '../../src/flow/bridge-call.ts'
import { aCampaign, beginCall, bridgeCall, openFlow } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

it('waits for a call before it holds one that comes after it, as postbacks do', async () => {
  const { database, deps } = await openFlow()
  const [early, late] = [await beginCall(deps), await beginCall(deps)]
  // Told twice, because the first answer was lost: there is nothing to change in its row.
  await bridgeCall(deps, early)
  const bridgings = [late, early].map((facts) => ({
    facts,
    rules: aCampaign(),
    buyerId: 'solar-direct',
    leg: { leg: 1, answeredAtMs: performance.now() },
    lost: [],
  }))

  const bridged = await database.transaction(async (postbacks) => {
    const lock = (callUuid: string) =>
      postbacks.query(`select from calls where call_uuid = '${callUuid}' for no key update nowait`)
    await lock(early.callUuid)
    const bridging = bridgeCalls(deps, bridgings)
    const waiting = `select from pg_stat_activity
                      where datname = current_database() and wait_event_type = 'Lock'`
    await waitFor(async () => (await database.query(waiting)).rows.length > 0, {
      what: 'the calls to be bridged to wait',
    })
    await lock(late.callUuid)
    return { bridging }
  })

  await bridged.bridging
  const { rows } = await database.query('select distinct state from calls')
  expect(rows).toEqual([{ state: 'bridged' }])
})
