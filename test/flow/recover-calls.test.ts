import { describe, expect, it } from 'vitest'
import { beat } from '../../src/db/processes.ts'
import type { Database } from '../../src/db/queryable.ts'
import type { FlowDeps } from '../../src/flow/flow-deps.ts'
import {
  recoverCalls,
  watchForForgottenCalls,
  watchForLostCalls,
} from '../../src/flow/recover-calls.ts'
import type { TestDatabase } from '../support/database.ts'
import {
  beginCall,
  bridgeCall,
  endCall,
  ledger,
  openFlow,
  post,
  queued,
  silent,
} from '../support/flow.ts'

/** The process that holds the test's calls last beat `secondsAgo`. */
async function beatAt(database: TestDatabase, clock: string) {
  const { rows } = await database.query<{ id: string }>(`select distinct process_id id from calls`)
  await database.setClock(clock)
  for (const { id } of rows) await beat(database, id)
}

it('closes the calls of a dead process at its last heartbeat, and settles them as usual', async () => {
  const { database, deps } = await openFlow()
  const facts = await beginCall(deps)
  await bridgeCall(deps, facts)
  await beatAt(database, '60 seconds')
  await database.setClock('81 seconds')
  expect(await recoverCalls(deps)).toEqual({ closed: 1, isFull: false })
  const { rows } = await database.query(
    `select state, end_reason, hung_up_by, conversion, round(connected_ms / 1000.0) seconds,
            settle_at - ended_at = interval '600 seconds' "waitsFull" from calls`,
  )
  expect(rows).toEqual([
    {
      state: 'ended',
      end_reason: 'bridge_lost',
      hung_up_by: 'bridge',
      conversion: 'pending',
      seconds: '60',
      waitsFull: true,
    },
  ])
  expect(await post(deps, facts.callUuid, 'revenue=10')).toMatchObject({ status: 'converted' })
})

it('logs the end of a call that was closed too early, and that it lasted longer than is stored', async () => {
  const { database, deps } = await openFlow()
  const late: object[] = []
  const warn = (event: string, fields: object) => void late.push({ event, ...fields })
  const watched = { ...deps, log: { ...silent, warn } }
  const closed = await beginCall(deps)
  await bridgeCall(deps, closed)
  await beatAt(database, '15 seconds')
  await database.setClock('60 seconds')
  await recoverCalls(deps)
  const ended = await beginCall(deps)
  await bridgeCall(deps, ended)
  // Told twice, since nobody heard that it was stored.
  for (const _ of [1, 2]) await endCall(watched, ended.callUuid, 60_000)
  expect(late).toEqual([])
  await endCall(watched, closed.callUuid, 600_000)
  const { rows } = await database.query<{ ms: number }>(
    `select connected_ms ms from calls where call_uuid = $1`,
    [closed.callUuid],
  )
  const told = { call_uuid: closed.callUuid, connected_ms: 600_000, stored_ms: rows[0]?.ms }
  expect(late).toEqual([{ event: 'fact.too_late', fact: 'ended', ...told }])
})

it('leaves the calls of a process alone that has beaten within 20 s', async () => {
  const { database, deps } = await openFlow()
  await beginCall(deps)
  await beatAt(database, '60 seconds')
  await database.setClock('79 seconds')
  expect(await recoverCalls(deps)).toEqual({ closed: 0, isFull: false })
})

it('closes a call that only rang as not converted, once, however many try', async () => {
  const { database, deps } = await openFlow()
  const { callUuid } = await beginCall(deps)
  await beatAt(database, '1 second')
  await database.setClock('60 seconds')
  const closed = await Promise.all(Array.from({ length: 8 }, () => recoverCalls(deps)))
  expect(closed.reduce((sum, each) => sum + each.closed, 0)).toBe(1)
  expect(await ledger(database, callUuid)).toEqual(['settlement not_converted not_connected'])
  expect((await queued(database, callUuid)).slice(2)).toEqual(['not_converted', 'finished'])
})

it('closes a call of a process that nobody knows any more once it is 20 s old', async () => {
  const { database, deps } = await openFlow()
  await beginCall(deps)
  await database.setClock('19 seconds')
  expect(await recoverCalls(deps)).toEqual({ closed: 0, isFull: false })
  await database.setClock('21 seconds')
  expect(await recoverCalls(deps)).toEqual({ closed: 1, isFull: false })
  const { rows } = await database.query(`select total_ms, end_reason from calls`)
  expect(rows).toEqual([{ total_ms: 0, end_reason: 'bridge_lost' }])
})

it('forgets a dead process once it holds no call', async () => {
  const { database, deps } = await openFlow()
  await beginCall(deps)
  await beatAt(database, '1 second')
  await database.setClock('60 seconds')
  await recoverCalls(deps)
  await recoverCalls(deps)
  expect((await database.query('select from processes')).rows).toEqual([])
})

it('holds nobody for dead until the database has been there for 20 s', async () => {
  const { database, deps } = await openFlow()
  await beginCall(deps)
  await beatAt(database, '1 second')
  await database.setClock('60 seconds')
  let isAway = false
  let nowMs = 0
  const away = { ...database, query: () => Promise.reject(new Error('away')) }
  const deadOrAlive = {
    ...deps,
    get database() {
      return isAway ? away : database
    },
  }
  const round = watchForLostCalls(deadOrAlive, () => nowMs)
  const isLive = async () =>
    (await database.query(`select from calls where state <> 'ended'`)).rows.length === 1

  await round()
  nowMs = 19_000
  isAway = true
  await expect(round()).rejects.toThrow('away')
  isAway = false
  nowMs = 30_000
  await round()
  nowMs = 49_999
  await round()
  expect(await isLive()).toBe(true)
  nowMs = 50_000
  await round()
  expect(await isLive()).toBe(false)
})

describe('a process that holds a call which it knows nothing of', () => {
  it('ends it, when it was stored after its beginning had been given up', async () => {
    const { database, deps } = await openFlow()
    const { callUuid } = await beginCall(deps)
    const processId = await processOf(database)
    await watchForForgottenCalls(deps, { processId, live: () => new Set() })()
    const { rows } = await database.query(
      `select state, end_reason, total_ms, conversion from calls`,
    )
    const ended = { state: 'ended', end_reason: 'bridge_lost', conversion: 'not_converted' }
    expect(rows).toEqual([{ ...ended, total_ms: 0 }])
    expect(await queued(database, callUuid)).toContain('finished')
  })

  it('ends it as of when it saw it last, when its end could not be stored', async () => {
    const { database, deps } = await openFlow()
    const facts = await beginCall(deps)
    await bridgeCall(deps, facts)
    const live = new Set([facts.callUuid])
    const round = watchForForgottenCalls(deps, {
      processId: await processOf(database),
      live: () => new Set(live),
    })
    await database.setClock('60 seconds')
    await round()
    live.clear()
    await database.setClock('65 seconds')
    await round()
    const { rows } = await database.query(
      `select state, round(connected_ms / 1000.0) seconds from calls`,
    )
    expect(rows).toEqual([{ state: 'ended', seconds: '60' }])
  })

  it('leaves those alone that it is busy with, and those of others', async () => {
    const { database, deps } = await openFlow()
    const { callUuid } = await beginCall(deps)
    const own = { processId: await processOf(database), live: () => new Set([callUuid]) }
    await watchForForgottenCalls(deps, own)()
    await watchForForgottenCalls(deps, { processId: callUuid, live: () => new Set() })()
    expect((await database.query('select state from calls')).rows).toEqual([{ state: 'ringing' }])
  })
})

describe('one call that cannot be closed', () => {
  /** Three calls, of which the second was begun under rules that cannot be read. */
  async function startWithBadCall() {
    const { database, deps } = await openFlow()
    const calls = [await beginCall(deps), await beginCall(deps), await beginCall(deps)]
    const bad = calls[1]?.callUuid
    await database.query(`insert into campaign_versions values ('solar', 2, '{}')`)
    await database.query(`update calls set campaign_version = 2 where call_uuid = $1`, [bad])
    await database.query(`update calls set process_id = (select process_id from calls limit 1)`)
    const failed: object[] = []
    const error = (event: string, { call_uuid }: { call_uuid?: string }) =>
      void failed.push([event, call_uuid])
    const watched: FlowDeps = {
      ...deps,
      log: { ...silent, error },
      campaignRules: (campaignId, version) =>
        version === 2
          ? Promise.reject(new Error('these rules cannot be read'))
          : deps.campaignRules(campaignId, version),
    }
    const open = async () => {
      const { rows } = await database.query<{ id: string }>(
        `select call_uuid id from calls where state <> 'ended'`,
      )
      return rows.map(({ id }) => id)
    }
    return { database, deps: watched, calls, bad, failed, open }
  }

  it('of a dead process holds up no other, and is tried again a minute later', async () => {
    const { database, deps, bad, failed, open } = await startWithBadCall()
    await database.setClock('60 seconds')
    let nowMs = 0
    const round = watchForLostCalls(deps, () => nowMs)
    await round()
    for (nowMs of [20_000, 79_000]) await round()
    expect(await open()).toEqual([bad])
    expect(failed).toEqual([['call.not_closed', bad]])
    nowMs = 80_000
    await round()
    expect(failed).toHaveLength(2)
  })

  it('of this process holds up no other, and what was seen of them is kept', async () => {
    const { database, deps, calls, bad, failed, open } = await startWithBadCall()
    for (const facts of calls) await bridgeCall(deps, facts)
    const live = new Set(calls.map(({ callUuid }) => callUuid))
    const own = { processId: await processOf(database), live: () => new Set(live) }
    let nowMs = 0
    const round = watchForForgottenCalls(deps, own, () => nowMs)
    await database.setClock('60 seconds')
    await round()
    live.clear()
    await database.setClock('65 seconds')
    await round()
    expect(await open()).toEqual([bad])
    await round()
    expect(failed).toEqual([['call.not_closed', bad]])
    await database.query('update calls set campaign_version = 1')
    nowMs = 60_000
    await database.setClock('125 seconds')
    await round()
    const { rows } = await database.query(
      `select distinct state, round(connected_ms / 1000.0) seconds from calls`,
    )
    expect(rows).toEqual([{ state: 'ended', seconds: '60' }])
  })
})

async function processOf(database: Database): Promise<string> {
  const { rows } = await database.query<{ id: string }>('select process_id id from calls')
  return rows[0]?.id ?? ''
}
