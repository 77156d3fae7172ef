import { beforeAll, describe, expect, it } from 'vitest'
import { readReport, type ReportQuery, type ReportRow } from '../../src/db/reports.ts'
import { openTestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

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

const aReport = (query: Partial<ReportQuery> = {}): ReportQuery => ({
  by: ['campaign'],
  time: 'call',
  from: new Date('2026-01-01T00:00:00Z'),
  to: new Date('2027-01-01T00:00:00Z'),
  timeZone: 'UTC',
  ...query,
})

async function report(query: Partial<ReportQuery>): Promise<readonly ReportRow[]> {
  const found: ReportRow[] = []
  await readReport(database, aReport(query), {
    onRows: async (rows) => void found.push(...rows),
    gone: new AbortController().signal,
  })
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

it.each([new Date('1970-01-01'), new Date('1960-01-01'), '0001-01-01'])(
  'finds all calls since %s, before which a UUID has no time',
  async (from) => {
    await database.query('delete from calls')
    await insertCall({ startedAt: '2026-02-01T12:00:00Z' })

    expect(await report({ from })).toMatchObject([{ calls: 1 }])
  },
)

describe('a range of days', () => {
  const ZONES: readonly (readonly [zone: string, day: string, first: string, next: string])[] = [
    ['UTC', '2026-03-01', '2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'],
    ['America/New_York', '2026-03-01', '2026-03-01T05:00:00Z', '2026-03-02T05:00:00Z'],
    ['Pacific/Auckland', '2026-03-02', '2026-03-01T11:00:00Z', '2026-03-02T11:00:00Z'],
    // Clocks go forward at two: 23 hours.
    ['America/New_York', '2026-03-08', '2026-03-08T05:00:00Z', '2026-03-09T04:00:00Z'],
    // The day begins at one.
    ['America/Santiago', '2026-09-06', '2026-09-06T04:00:00Z', '2026-09-07T03:00:00Z'],
    // Midnight comes twice: 25 hours.
    ['America/Havana', '2026-11-01', '2026-11-01T04:00:00Z', '2026-11-02T05:00:00Z'],
    // The last hour of the day before comes twice.
    ['Asia/Beirut', '2026-10-25', '2026-10-24T22:00:00Z', '2026-10-25T22:00:00Z'],
  ]

  it.each(ZONES)('has the whole of it: in %s, %s from %s to %s', async (timeZone, day, ...ends) => {
    await database.query('delete from calls')
    const [first, next] = ends.map((end) => Date.parse(end))
    for (const at of [first, next]) {
      for (const beside of [-1, 0]) {
        const startedAt = new Date(Number(at) + beside).toISOString()
        await insertCall({ startedAt })
      }
    }
    const dayAfter = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)

    const rows = await report({ by: ['day'], from: day, to: dayAfter, timeZone })

    expect(rows.map((row) => [row.day, row.calls])).toEqual([[day, 2]])
  })
})

it('ends at once when its reader goes while rows are computed', async () => {
  const leaves = new AbortController()
  await database.transaction(async (db) => {
    await db.query('lock table calls')
    const given = readReport(database, aReport(), {
      onRows: () => Promise.resolve(),
      gone: leaves.signal,
    }).catch((error: unknown) => error)
    await waitFor(isWaiting, { what: 'the report to wait for the table' })
    leaves.abort()
    expect(await given).toMatchObject({ code: '57014' })
    expect(await isWaiting()).toBe(false)
  })
})

async function isWaiting(): Promise<boolean> {
  const { rows } = await database.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows.length > 0
}
