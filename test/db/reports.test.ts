import { beforeAll, describe, expect, it } from 'vitest'
import { readReport, type ReportQuery, type ReportRow } from '../../src/db/reports.ts'
import { openTestDatabase } from '../support/database.ts'

const database = await openTestDatabase()

interface StoredCall {
  readonly startedAt: string
  readonly version?: number
}

/** A call that has converted, worth 10.00. */
async function insertCall({ startedAt, version = 1 }: StoredCall): Promise<void> {
  await database.query(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, caller_number,
                        dialed_number, sip_call_id, started_at, state, ended_at, connected_ms, conversion,
                        settled_at, revision, revenue, payout)
     values (overlay(gen_random_uuid()::text placing left(uuid_floor($1)::text, 13) from 1 for 13)::uuid,
             gen_random_uuid(), 'solar', $2, 'acme', '+12125550100', '+18005550100', 'a@b', $1, 'ended', $1,
             60000, 'converted', $1, 1, 10, 8)`,
    [startedAt, version],
  )
}

async function report(query: Partial<ReportQuery>): Promise<readonly ReportRow[]> {
  const found: ReportRow[] = []
  const whole: ReportQuery = {
    by: ['campaign'],
    time: 'call',
    from: new Date('2026-01-01T00:00:00Z'),
    to: new Date('2027-01-01T00:00:00Z'),
    timeZone: 'UTC',
    ...query,
  }
  await readReport(database, whole, async (rows) => void found.push(...rows))
  return found
}

beforeAll(async () => {
  await database.query(
    `insert into campaign_versions values ('solar', 1, '{}'), ('solar', 2, '{"currency": "EUR"}'),
                                          ('solar', 3, '{"currency": "EUR"}')`,
  )
})

it('adds up what is in one currency, whatever the version of the rules, and never two', async () => {
  const startedAt = '2026-02-01T12:00:00Z'
  for (const version of [1, 2, 2, 3]) await insertCall({ startedAt, version })

  const rows = await report({ from: new Date('2026-02-01'), to: new Date('2026-02-02') })

  expect(rows.map(({ currency, calls, revenue }) => `${calls} ${revenue} ${currency}`)).toEqual([
    '3 30.000000 EUR',
    '1 10.000000 USD',
  ])
})
