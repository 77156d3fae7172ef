import type { Queryable } from '../../db/queryable.ts'

/** What the database says at the end. */
export interface Stored {
  readonly calls: ReadonlyMap<string, StoredCall>
  readonly settlements: ReadonlyMap<string, readonly StoredSettlement[]>
  readonly deliveries: readonly StoredDelivery[]
}

/** A call as it stands. */
export interface StoredCall {
  readonly callUuid: string
  readonly state: string
  readonly conversion: string
  readonly revenue: string | null
  readonly payout: string | null
}

/** An entry of the ledger. */
export interface StoredSettlement {
  readonly callUuid: string
  readonly revision: number
  readonly kind: 'settlement' | 'late_conversion' | 'adjustment'
  readonly conversion: 'converted' | 'not_converted'
  readonly postbackValue: string | null
  readonly revenue: string | null
  readonly payout: string | null
}

/** A delivery. */
export interface StoredDelivery {
  readonly callUuid: string
  readonly trackingUrlId: string
  readonly occurrence: number
  readonly state: string
  /** Whether the attempt that was taken is on record. */
  readonly isLogged: boolean
}

/** Reads all of it. */
export async function readStored(db: Queryable): Promise<Stored> {
  const calls = await db.query<StoredCall>(
    `select call_uuid "callUuid", state, conversion, round(revenue, 2) revenue,
            round(payout, 2) payout from calls`,
  )
  const settlements = await db.query<StoredSettlement>(
    `select call_uuid "callUuid", revision, kind, conversion, postback_value "postbackValue",
            round(revenue, 2) revenue, round(payout, 2) payout
       from settlements order by call_uuid, revision`,
  )
  const deliveries = await db.query<StoredDelivery>(
    `select call_uuid "callUuid", tracking_url_id "trackingUrlId", occurrence, state,
            exists (select from attempts a
                     where (a.call_uuid, a.tracking_url_id, a.occurrence)
                           = (d.call_uuid, d.tracking_url_id, d.occurrence)
                       and a.status between 200 and 299) "isLogged"
       from deliveries d order by call_uuid, tracking_url_id, occurrence`,
  )
  return {
    calls: new Map(calls.rows.map((call) => [call.callUuid, call])),
    settlements: Map.groupBy(settlements.rows, ({ callUuid }) => callUuid),
    deliveries: deliveries.rows,
  }
}

/** Whether there is nothing left to decide or send. */
export async function isQuiet(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ left: number }>(
    `select (select count(*) from lanes where pending > 0)
          + (select count(*) from calls where conversion = 'pending')
          + (select count(*) from deadlines) "left"`,
  )
  return rows[0]?.left === 0
}
