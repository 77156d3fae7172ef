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

/** Asks for deliveries; where there are many, that may take longer than a step of a call. */
export type FindDeliveries = <T>(work: (db: Queryable) => Promise<T>) => Promise<T>

/** Where a range begins, and how much of it is taken. */
export interface ResendPart {
  /** The delivery behind which it begins. */
  readonly after: DeliveryName | undefined
  readonly limit: number
}

/** As much of a range as has been gone through. */
export interface ResentPart {
  /** How many were changed, or counted. */
  readonly count: number
  /** Whether there are more behind `last`. */
  readonly isMore: boolean
  readonly last: DeliveryName | undefined
  /** Why no more was done, where that was not meant. */
  readonly failure?: unknown
}

/** How deliveries of a range are sent again. */
export interface ResendOptions extends ResendPart {
  readonly find: FindDeliveries
  readonly record: RecordDone<number>
  /** No transaction begins later than that; by `performance.now()`. */
  readonly endsAtMs: number
}

/**
 * Puts the deliveries that match back into their lanes, oldest calls first and at most `limit` of
 * them, in transactions of a few hundred: what is back is sent while the rest is looked for. Each transaction
 * is put on record with its count. Where a later one fails, what the others have done is told all the same.
 * @throws what the first one throws
 */
export async function resendMany(
  database: Database,
  filters: ResendFilters,
  options: ResendOptions,
): Promise<ResentPart> {
  let done: ResentPart = { count: 0, isMore: true, last: options.after }
  for (let left = options.limit; left > 0 && done.isMore; left -= BATCH_MAX) {
    if (left < options.limit && performance.now() > options.endsAtMs) break
    try {
      const part = { after: done.last, limit: Math.min(left, BATCH_MAX) }
      const batch = await resendBatch(database, filters, { ...options, ...part })
      done = { ...batch, count: done.count + batch.count }
    } catch (failure) {
      if (left === options.limit) throw failure
      return { ...done, failure }
    }
  }
  return done
}

async function resendBatch(
  database: Database,
  filters: ResendFilters,
  { find, record, ...part }: ResendOptions,
): Promise<ResentPart> {
  const { names, isMore, last } = await findPart(find, filters, part)
  if (names.length === 0) return { count: 0, isMore, last }
  const count = await database.transaction(async (db) => {
    const changed = await queueAgain(db, names)
    if (changed > 0) await record(db, changed)
    return changed
  })
  return { count, isMore, last }
}

/** How many deliveries match, counted up to `limit`. */
export async function countMatching(
  find: FindDeliveries,
  filters: ResendFilters,
  part: ResendPart,
): Promise<ResentPart> {
  const { names, isMore, last } = await findPart(find, filters, part)
  return { count: names.length, isMore, last }
}

async function findPart(
  find: FindDeliveries,
  filters: ResendFilters,
  { after, limit }: ResendPart,
) {
  const found = await find((db) => findDeliveries(db, filters, { after, limit: limit + 1 }))
  const names = found.slice(0, limit)
  return { names, isMore: found.length > limit, last: names.at(-1) ?? after }
}

async function findDeliveries(
  db: Queryable,
  { state, fromUuid, toUuid, campaignId, trackingUrlId, host }: ResendFilters,
  { after, limit }: ResendPart,
): Promise<readonly DeliveryName[]> {
  const first = after && after.callUuid > fromUuid ? after.callUuid : fromUuid
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
      first,
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
