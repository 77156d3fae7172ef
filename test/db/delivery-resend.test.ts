import { expect, it } from 'vitest'
import { resendMany } from '../../src/db/delivery-resend.ts'
import type { Queryable } from '../../src/db/queryable.ts'
import { openTestDatabase } from '../support/database.ts'

const FAILED = 700
const ALL = {
  state: 'failed',
  fromUuid: '00000000-0000-0000-0000-000000000000',
  toUuid: undefined,
  campaignId: undefined,
  trackingUrlId: undefined,
  host: undefined,
} as const
const WHOLE = { after: undefined, endsAtMs: Number.POSITIVE_INFINITY }

async function openFailed() {
  const database = await openTestDatabase()
  await database.query(
    `insert into campaign_versions values ('solar', 1, '{}');
     insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, dialed_number,
                        sip_call_id, started_at)
     select gen_random_uuid(), gen_random_uuid(), 'solar', 1, 'acme', '+18005550100', 'x', app_now()
       from generate_series(1, ${FAILED});
     insert into deliveries (call_uuid, tracking_url_id, occurrence, trigger, method, url, queued_at,
                             get_after_head_refused)
     select call_uuid, 'sale', 1, 'converted', 'GET', 'https://a.example/?x', app_now(), false from calls;
     update deliveries set state = 'failed', finished_at = app_now()`,
  )
  return database
}

it('counts and records what it has sent again, and not what somebody else had by then (B14)', async () => {
  const database = await openFailed()
  const recorded: number[] = []
  const record = async (_: unknown, count: number) => void recorded.push(count)
  const options = { ...WHOLE, find: <T>(work: (db: Queryable) => Promise<T>) => work(database) }
  const resends = await Promise.all(
    [1, 2, 3].map(() => resendMany(database, ALL, { ...options, limit: 10_000, record })),
  )
  expect(resends.reduce((sum, { count }) => sum + count, 0)).toBe(FAILED)
  expect(recorded.reduce((sum, count) => sum + count, 0)).toBe(FAILED)
  expect(recorded).not.toContain(0)
  expect(await resendMany(database, ALL, { ...options, limit: 10, record })).toMatchObject({
    count: 0,
    isMore: false,
  })
})

it('sends no more again than the limit, and says that there are more', async () => {
  const database = await openFailed()
  const record = async () => {}
  const find = <T>(work: (db: Queryable) => Promise<T>) => work(database)
  expect(await resendMany(database, ALL, { ...WHOLE, find, limit: 600, record })).toMatchObject({
    count: 600,
    isMore: true,
  })
})

it('begins no transaction after its time, and says from where to go on', async () => {
  const database = await openFailed()
  const record = async () => {}
  const find = <T>(work: (db: Queryable) => Promise<T>) => work(database)
  const options = { ...WHOLE, find, limit: 10_000, record }
  const first = await resendMany(database, ALL, { ...options, endsAtMs: performance.now() - 1 })
  expect(first).toMatchObject({ count: 500, isMore: true })
  const rest = await resendMany(database, ALL, { ...options, after: first.last })
  expect(rest).toMatchObject({ count: FAILED - 500, isMore: false })
})
