import type { Database, Queryable } from './queryable.ts'

/** One delivery of a call. */
export interface DeliveryName {
  readonly callUuid: string
  readonly trackingUrlId: string
  readonly occurrence: number
}

/**
 * What became of the wish to send a delivery again: `queued_again`; `hurried`, since it is still
 * queued and is now due at once; `unknown`, since there is no such delivery.
 */
export type Resent = 'queued_again' | 'hurried' | 'unknown'

/** Which deliveries are sent again. */
export interface ResendFilters {
  readonly state: 'failed' | 'delivered'
  /** The first call, as the lowest UUID that it can have. */
  readonly fromUuid: string
  /** The first call that is not meant. */
  readonly toUuid: string | undefined
  readonly campaignId: string | undefined
  readonly trackingUrlId: string | undefined
  /** With its port, as in the URL. */
  readonly host: string | undefined
}

const BATCH_MAX = 500

/** Puts on record what is done, in the transaction in which it is done. */
export type RecordDone<Done> = (db: Queryable, done: Done) => Promise<void>

/**
 * Puts a delivery back into its lane, delivered or failed, with its id and the attempts it has had;
 * its schedule begins again. One that is queued is made due at once and keeps its place.
 */
export async function resendOne(
  database: Database,
  name: DeliveryName,
  record: RecordDone<Resent>,
): Promise<Resent> {
  return database.transaction(async (db) => {
    const resent = await resend(db, name)
    if (resent !== 'unknown') await record(db, resent)
    return resent
  })
}

async function resend(db: Queryable, name: DeliveryName): Promise<Resent> {
  const { rows } = await db.query<{ state: string }>(
    `select state from deliveries
        where call_uuid = $1 and tracking_url_id = $2 and occurrence = $3`,
    [name.callUuid, name.trackingUrlId, name.occurrence],
  )
  if (rows.length === 0) return 'unknown'
  if ((await queueAgain(db, [name])) > 0) return 'queued_again'
  await hurry(db, name)
  return 'hurried'
}

/**
 * Puts the deliveries that match back into their lanes, oldest calls first and at most `limit` of
 * them, in transactions of a few hundred: what is back is sent while the rest is looked for. `isMore`
 * says that the limit was reached. Each transaction is put on record with its count.
 */
export async function resendMany(
  database: Database,
  filters: ResendFilters,
  { limit, record }: { readonly limit: number; readonly record: RecordDone<number> },
): Promise<{ readonly count: number; readonly isMore: boolean }> {
  let count = 0
  let after: DeliveryName | undefined
  while (count < limit) {
    const wanted = Math.min(BATCH_MAX, limit - count)
    const names = await findDeliveries(database, filters, { after, limit: wanted })
    if (names.length > 0) await database.transaction((db) => resendAll(db, names, record))
    count += names.length
    if (names.length < wanted) return { count, isMore: false }
    after = names.at(-1)
  }
  return {
    count,
    isMore: (await findDeliveries(database, filters, { after, limit: 1 })).length > 0,
  }
}

async function resendAll(
  db: Queryable,
  names: readonly DeliveryName[],
  record: RecordDone<number>,
): Promise<void> {
  await queueAgain(db, names)
  await record(db, names.length)
}

/** How many deliveries match, counted up to `limit`. */
export async function countMatching(
  db: Queryable,
  filters: ResendFilters,
  limit: number,
): Promise<{ readonly count: number; readonly isMore: boolean }> {
  const names = await findDeliveries(db, filters, { after: undefined, limit: limit + 1 })
  return { count: Math.min(names.length, limit), isMore: names.length > limit }
}

async function findDeliveries(
  db: Queryable,
  { state, fromUuid, toUuid, campaignId, trackingUrlId, host }: ResendFilters,
  { after, limit }: { readonly after: DeliveryName | undefined; readonly limit: number },
): Promise<readonly DeliveryName[]> {
  const { rows } = await db.query<DeliveryName>(
    `select call_uuid "callUuid", tracking_url_id "trackingUrlId", occurrence
       from ${IN_STATE[state]}
      where call_uuid >= $1::uuid
        and ($2::uuid is null or call_uuid < $2)
        and ($3::text is null or campaign_id = $3)
        and ($4::text is null or tracking_url_id = $4)
        and ($5::text is null or host = $5)
        and ($6::uuid is null or (call_uuid, tracking_url_id, occurrence) > ($6, $7::text, $8::int))
      order by call_uuid, tracking_url_id, occurrence
      limit $9`,
    [
      after?.callUuid ?? fromUuid,
      toUuid ?? null,
      campaignId ?? null,
      trackingUrlId ?? null,
      host ?? null,
      after?.callUuid ?? null,
      after?.trackingUrlId ?? null,
      after?.occurrence ?? null,
      limit,
    ],
  )
  return rows
}

/** The URL was put together with its host as the lane has it. */
const HOST = `substring(url from '^https?://([^/?#]*)')`

/** Those that failed are few, and are kept in a table of their own. */
const IN_STATE: Readonly<Record<ResendFilters['state'], string>> = {
  failed: 'failed_deliveries',
  delivered: `(select call_uuid, tracking_url_id, occurrence, ${HOST} as host, campaign_id
                 from deliveries join calls using (call_uuid)
                where deliveries.state = 'delivered') delivered`,
}

const NAMES = `unnest($1::uuid[], $2::text[], $3::int[]) as name (call_uuid, tracking_url_id, occurrence)`

/**
 * Locks the lanes first, in the order of everybody else, and makes those that have gone; then counts
 * what it changes. A lane that a worker holds goes on as it is.
 */
async function queueAgain(db: Queryable, names: readonly DeliveryName[]): Promise<number> {
  const values = [
    names.map(({ callUuid }) => callUuid),
    names.map(({ trackingUrlId }) => trackingUrlId),
    names.map(({ occurrence }) => occurrence),
  ]
  await db.query(
    `insert into lanes (call_uuid, tracking_url_id, host, pending, run_at)
     select call_uuid, tracking_url_id, min(${HOST}), 0, app_now()
       from deliveries join ${NAMES} using (call_uuid, tracking_url_id, occurrence)
      group by call_uuid, tracking_url_id
      order by call_uuid, tracking_url_id collate "C"
         on conflict (call_uuid, tracking_url_id) do update set pending = lanes.pending`,
    values,
  )
  const { rows } = await db.query<{ count: number }>(
    `with again as (
       update deliveries set state = 'queued', finished_at = null
         from ${NAMES}
        where deliveries.call_uuid = name.call_uuid
          and deliveries.tracking_url_id = name.tracking_url_id
          and deliveries.occurrence = name.occurrence
          and state <> 'queued'
       returning deliveries.call_uuid, deliveries.tracking_url_id
     ), added as (
       select call_uuid, tracking_url_id, count(*)::int deliveries
         from again group by call_uuid, tracking_url_id
     ), lane as (
       update lanes
          set pending = pending + deliveries,
              attempt = case when ${IS_LEASED} then attempt else 0 end,
              run_at  = case when ${IS_LEASED} then run_at else app_now() end
         from added
        where lanes.call_uuid = added.call_uuid
          and lanes.tracking_url_id = added.tracking_url_id
     )
     select coalesce(sum(deliveries), 0)::int "count" from added`,
    values,
  )
  await db.query(
    `delete from lanes using ${NAMES}
      where lanes.call_uuid = name.call_uuid
        and lanes.tracking_url_id = name.tracking_url_id
        and pending = 0`,
    values,
  )
  return rows[0]?.count ?? 0
}

const IS_LEASED = `token is not null and run_at > app_now()`

async function hurry(db: Queryable, { callUuid, trackingUrlId }: DeliveryName): Promise<void> {
  await db.query(
    `update lanes set run_at = app_now()
      where call_uuid = $1 and tracking_url_id = $2 and not (${IS_LEASED})`,
    [callUuid, trackingUrlId],
  )
}
