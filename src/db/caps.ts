import { type Load, NO_LOAD, type Periods } from '../domain/caps.ts'
import type { Queryable } from './queryable.ts'

/** A place that a leg holds at a buyer. */
export interface HeldPlace {
  readonly callUuid: string
  readonly leg: number
  readonly buyerId: string
  readonly periods: Periods
}

/** A place that has been given up and is to be taken off the buyer's load. */
export interface FreedPlace {
  readonly buyerId: string
  readonly periods: Periods
  readonly isAnswered: boolean
}

/** Which legs give up their places: all that a call still holds, or one. */
export interface Leaving {
  readonly callUuid: string
  readonly leg?: number
}

interface FreedRow extends Periods {
  readonly buyerId: string
  readonly isAnswered: boolean
}

/**
 * Takes places from legs, each once however often it is asked for. The caller then takes them off the loads
 * in the same transaction.
 */
export async function freePlaces(
  db: Queryable,
  leaving: readonly Leaving[],
): Promise<readonly FreedPlace[]> {
  if (leaving.length === 0) return []
  const { rows } = await db.query<FreedRow>({
    name: 'free-places',
    text: `delete from held_places held
            using unnest($1::uuid[], $2::smallint[]) as leaving (call_uuid, leg)
            where held.call_uuid = leaving.call_uuid and held.leg = coalesce(leaving.leg, held.leg)
        returning held.buyer_id "buyerId", held.hour, held.day, held.month,
                  exists (select from calls
                           where calls.call_uuid = held.call_uuid and bridged_leg = held.leg) "isAnswered"`,
    values: [leaving.map(({ callUuid }) => callUuid), leaving.map(({ leg }) => leg ?? null)],
  })
  return rows.map(({ buyerId, isAnswered, ...periods }) => ({ buyerId, isAnswered, periods }))
}

/** Stores that legs hold places. */
export async function insertPlaces(db: Queryable, places: readonly HeldPlace[]): Promise<void> {
  if (places.length === 0) return
  await db.query({
    name: 'insert-places',
    text: `insert into held_places (call_uuid, leg, buyer_id, hour, day, month)
           select * from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[])`,
    values: [
      places.map(({ callUuid }) => callUuid),
      places.map(({ leg }) => leg),
      places.map(({ buyerId }) => buyerId),
      places.map(({ periods }) => periods.hour),
      places.map(({ periods }) => periods.day),
      places.map(({ periods }) => periods.month),
    ],
  })
}

interface LoadRow extends Omit<Load, 'total'> {
  readonly buyerId: string
  /** PostgreSQL's bigint arrives as text. */
  readonly total: string | number
}

/**
 * Locks the loads of buyers for this transaction and reads them; a buyer that never had one has none taken.
 * Always in the order of their ids, so that two batches cannot wait for each other.
 */
export async function lockLoads(
  db: Queryable,
  buyerIds: readonly string[],
): Promise<Map<string, Load>> {
  const ids = [...new Set(buyerIds)].toSorted()
  if (ids.length === 0) return new Map()
  const loads = await lockExistingLoads(db, ids)
  if (loads.size === ids.length) return loads
  await db.query({
    name: 'insert-loads',
    text: `insert into buyer_loads (buyer_id) select unnest($1::text[]) on conflict do nothing`,
    values: [ids],
  })
  return lockExistingLoads(db, ids)
}

async function lockExistingLoads(
  db: Queryable,
  ids: readonly string[],
): Promise<Map<string, Load>> {
  const { rows } = await db.query<LoadRow>({
    name: 'lock-loads',
    text: `select buyer_id "buyerId", concurrent, hour, hourly, day, daily, month, monthly, total
             from buyer_loads where buyer_id = any($1::text[])
            order by buyer_id for no key update`,
    values: [ids],
  })
  return new Map(
    rows.map(({ buyerId, total, ...load }) => [
      buyerId,
      { ...NO_LOAD, ...load, total: Number(total) },
    ]),
  )
}

/** Writes loads that {@link lockLoads} has locked. */
export async function storeLoads(db: Queryable, loads: ReadonlyMap<string, Load>): Promise<void> {
  if (loads.size === 0) return
  await db.query({
    name: 'store-loads',
    text: `update buyer_loads
              set concurrent = new.concurrent, hour = new.hour, hourly = new.hourly, day = new.day,
                  daily = new.daily, month = new.month, monthly = new.monthly, total = new.total
             from jsonb_to_recordset($1::jsonb) as new (
                  buyer_id text, concurrent int, hour text, hourly int, day text, daily int, month text,
                  monthly int, total bigint)
            where buyer_loads.buyer_id = new.buyer_id`,
    values: [JSON.stringify([...loads].map(([buyer_id, load]) => ({ buyer_id, ...load })))],
  })
}

/** A caller who may have called before. */
export interface ReturningCaller {
  readonly callUuid: string
  readonly campaignId: string
  readonly callerNumber: string
}

/** The buyers that answered these callers last in the same campaign, by call. */
export async function findEarlierBuyers(
  db: Queryable,
  callers: readonly ReturningCaller[],
): Promise<ReadonlyMap<string, string>> {
  if (callers.length === 0) return new Map()
  const { rows } = await db.query<{ callUuid: string; buyerId: string }>({
    name: 'find-earlier-buyers',
    text: `select new.call_uuid "callUuid", earlier.buyer_id "buyerId"
             from unnest($1::uuid[], $2::text[], $3::text[]) as new (call_uuid, campaign_id, caller_number)
            cross join lateral (
                  select buyer_id from calls
                   where caller_number = new.caller_number and campaign_id = new.campaign_id
                     and answered_at is not null
                   order by answered_at desc limit 1) earlier`,
    values: [
      callers.map(({ callUuid }) => callUuid),
      callers.map(({ campaignId }) => campaignId),
      callers.map(({ callerNumber }) => callerNumber),
    ],
  })
  return new Map(rows.map(({ callUuid, buyerId }) => [callUuid, buyerId]))
}
