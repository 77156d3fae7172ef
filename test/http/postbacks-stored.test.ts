import { describe, expect, it, onTestFinished } from 'vitest'
import { createSteps } from '../../src/flow/steps.ts'
import { createCallKeys } from '../../src/keys.ts'
import { anEndedCall, openFlow } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'
import { openTestServer, WRONG_KEY } from './support/server.ts'

/** The server on the real flow and a database of its own, with one call that waits for a postback. */
async function openService() {
  const { database, deps } = await openFlow()
  const keys = createCallKeys([{ version: 1, secret: 'another secret of the tests' }])
  const over = new AbortController()
  onTestFinished(() => over.abort())
  const steps = createSteps(deps, over.signal)
  const { app, logLines } = openTestServer({
    database,
    checkKey: keys.check,
    receivePostback: steps.receivePostback,
    recordRefusal: steps.recordRefusal,
  })
  const callUuid = await anEndedCall(deps)
  const set = (query: string) => app.inject(`/calls/${callUuid}/set_value?${query}`)
  const stored = async () => {
    const { rows } = await database.query<{ text: string }>(
      `select concat_ws(' ', http_status, status, reason, query) as text
         from postbacks where call_uuid = $1 order by postback_id`,
      [callUuid],
    )
    return rows.map(({ text }) => text)
  }
  return { database, logLines, set, stored, keyOf: (leg: number) => keys.derive(callUuid, leg) }
}

describe('set_value on PostgreSQL', () => {
  it('converts a call and keeps every request, none with a key (B4, B7, B15)', async () => {
    const { logLines, set, stored, keyOf } = await openService()
    const key = keyOf(1)
    const told = []
    for (const query of [
      `key=${key}&revenue=$10`,
      `revenue=10.00&key=${key}`,
      `key=${key}&revenue=10`,
    ]) {
      const response = await set(query)
      const { status, reason, converted, payout } = response.json<Record<string, unknown>>()
      told.push([response.statusCode, status, reason, converted, payout])
    }
    expect(told).toEqual([
      [400, 'refused', 'revenue_not_a_number', false, null],
      [200, 'converted', 'posted_revenue', true, '8.00'],
      [200, 'duplicate', 'same_value', true, '8.00'],
    ])
    expect(await stored()).toEqual([
      '400 refused revenue_not_a_number key=&revenue=$10',
      '200 converted posted_revenue revenue=10.00&key=',
      '200 duplicate same_value key=&revenue=10',
    ])
    expect(logLines.join('')).not.toContain(key)
  })

  it('keeps a request with a wrong key that names a call (B15)', async () => {
    const { set, stored } = await openService()
    expect((await set(`key=${WRONG_KEY}&revenue=1`)).statusCode).toBe(403)
    const rows = await waitFor(async () => (await stored()).length > 0 && stored(), {
      what: 'the refusal to be stored',
    })
    expect(rows).toEqual(['403 refused wrong_key key=&revenue=1'])
  })

  it('tells the buyer who did not get the call so, and only with his key (B7)', async () => {
    const { set, keyOf } = await openService()
    const response = await set(`key=${keyOf(2)}&revenue=1`)
    expect([response.statusCode, response.json()]).toMatchObject([
      403,
      { reason: 'leg_not_bridged' },
    ])
  })

  it('answers 503 while the database is away, and loses nothing when it is back (B16)', async () => {
    const { database, set, stored, keyOf } = await openService()
    await database.query('alter table postbacks rename to postbacks_away')
    expect((await set(`key=${keyOf(1)}&revenue=10.00`)).statusCode).toBe(503)
    await database.query('alter table postbacks_away rename to postbacks')
    expect((await set(`key=${keyOf(1)}&revenue=10.00`)).json()).toMatchObject({ payout: '8.00' })
    expect(await stored()).toHaveLength(1)
  })
})
