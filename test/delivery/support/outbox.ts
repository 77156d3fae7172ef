import { v7 } from 'uuid'
import { enqueueDeliveries } from '../../../src/db/deliveries.ts'
import type { Queryable } from '../../../src/db/queryable.ts'
import type { NewDelivery } from '../../../src/domain/delivery.ts'

/** Calls for deliveries to belong to; gives their UUIDs, oldest first. */
export async function insertCalls(db: Queryable, count: number): Promise<string[]> {
  const callUuids = Array.from({ length: count }, () => v7())
  await db.query(
    `insert into campaign_versions (campaign_id, version, definition) values ('solar', 1, '{}')
         on conflict do nothing`,
  )
  await db.query(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id,
                        dialed_number, sip_call_id, started_at)
     select call_uuid, gen_random_uuid(), 'solar', 1, 'acme', '+18005550100', 'x', app_now()
       from unnest($1::uuid[]) as call_uuid`,
    [callUuids],
  )
  return callUuids
}

/** A delivery of a call, as the steps of a call would queue it. */
export function aDelivery(callUuid: string, overrides: Partial<NewDelivery> = {}): NewDelivery {
  const url = overrides.url ?? 'http://partner.example/ping?key=[call_key]'
  return {
    callUuid,
    trackingUrlId: 'ping',
    occurrence: 0,
    trigger: 'bridged',
    method: 'HEAD',
    url,
    host: new URL(url).host,
    body: undefined,
    leg: 1,
    getAfterHeadRefused: true,
    missingTokens: [],
    ...overrides,
  }
}

/** Queues deliveries, due at once by the database's clock. */
export async function queue(db: Queryable, deliveries: readonly NewDelivery[]): Promise<void> {
  const { rows } = await db.query<{ now: Date }>(`select app_now() "now"`)
  await enqueueDeliveries(db, deliveries, rows[0]?.now ?? new Date(0))
}

/** One row of `lanes`, with the time until it is due. */
export interface LaneRow {
  readonly trackingUrlId: string
  readonly pending: number
  readonly attempt: number
  readonly dueInSeconds: number
  readonly isLeased: boolean
}

/** All lanes, in the order of calls and URLs. */
export async function readLanes(db: Queryable): Promise<LaneRow[]> {
  const { rows } = await db.query<LaneRow>(
    `select tracking_url_id "trackingUrlId", pending, attempt, token is not null "isLeased",
            extract(epoch from run_at - app_now())::float8 "dueInSeconds"
       from lanes order by call_uuid, tracking_url_id`,
  )
  return rows
}

/** One row of `deliveries`. */
export interface DeliveryRow {
  readonly trackingUrlId: string
  readonly occurrence: number
  readonly state: string
  readonly isFinished: boolean
}

/** All deliveries, in the order of calls, URLs and occurrences. */
export async function readDeliveries(db: Queryable): Promise<DeliveryRow[]> {
  const { rows } = await db.query<DeliveryRow>(
    `select tracking_url_id "trackingUrlId", occurrence, state, finished_at is not null "isFinished"
       from deliveries order by call_uuid, tracking_url_id, occurrence`,
  )
  return rows
}

/** One row of `attempts`. */
export interface AttemptRow {
  readonly occurrence: number
  readonly attempt: number
  readonly method: string
  readonly status: number | null
  readonly error: string | null
}

/** All attempts, in the order of calls, URLs, occurrences and attempts. */
export async function readAttempts(db: Queryable): Promise<AttemptRow[]> {
  const { rows } = await db.query<AttemptRow>(
    `select occurrence, attempt, method, status, error
       from attempts order by call_uuid, tracking_url_id, occurrence, attempt`,
  )
  return rows
}
