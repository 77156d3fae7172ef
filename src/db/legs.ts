import type { Queryable } from './queryable.ts'

export interface NewLeg {
  readonly callUuid: string
  /** 1 for the first buyer tried. */
  readonly leg: number
  readonly buyerId: string
  readonly endpoint: string
  readonly dialledAt: Date
}

export async function insertLegs(db: Queryable, legs: readonly NewLeg[]): Promise<void> {
  if (legs.length === 0) return
  await db.query({
    name: 'insert-legs',
    text: `insert into legs (call_uuid, leg, buyer_id, endpoint, dialled_at)
           select * from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::timestamptz[])`,
    values: [
      legs.map(({ callUuid }) => callUuid),
      legs.map(({ leg }) => leg),
      legs.map(({ buyerId }) => buyerId),
      legs.map(({ endpoint }) => endpoint),
      legs.map(({ dialledAt }) => dialledAt),
    ],
  })
}

/** What has become of a leg. Absent fields keep what is stored, and instants that are stored stay. */
export interface LegProgress {
  readonly callUuid: string
  readonly leg: number
  readonly ringingAt: Date | undefined
  readonly answeredAt: Date | undefined
  readonly endedAt: Date | undefined
  readonly sipStatus: number | undefined
  readonly fault: string | undefined
  readonly reason: string | undefined
}

export async function updateLegs(db: Queryable, legs: readonly LegProgress[]): Promise<void> {
  if (legs.length === 0) return
  await db.query({
    name: 'update-legs',
    text: `update legs
              set ringing_at = coalesce(legs.ringing_at, new.ringing_at),
                  answered_at = coalesce(legs.answered_at, new.answered_at),
                  ended_at = coalesce(legs.ended_at, new.ended_at),
                  sip_status = coalesce(new.sip_status, legs.sip_status),
                  fault = coalesce(new.fault, legs.fault),
                  reason = coalesce(new.reason, legs.reason)
             from jsonb_to_recordset($1::jsonb) as new (
                  call_uuid uuid, leg smallint, ringing_at timestamptz, answered_at timestamptz,
                  ended_at timestamptz, sip_status smallint, fault text, reason text)
            where legs.call_uuid = new.call_uuid and legs.leg = new.leg`,
    values: [
      JSON.stringify(
        legs.map((leg) => ({
          call_uuid: leg.callUuid,
          leg: leg.leg,
          ringing_at: leg.ringingAt,
          answered_at: leg.answeredAt,
          ended_at: leg.endedAt,
          sip_status: leg.sipStatus,
          fault: leg.fault,
          reason: leg.reason,
        })),
      ),
    ],
  })
}
