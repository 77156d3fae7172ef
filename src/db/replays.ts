import type { Queryable } from './queryable.ts'

/** Past calls settled anew, on purpose: who wanted it, and why. */
export interface Replay {
  readonly replayId: string
  readonly campaignId: string
  readonly version: number
  readonly since: Date
  readonly until: Date
  readonly why: string
  readonly madeBy: string
}

/** Puts a replay on record, before it settles anything. */
export async function insertReplay(db: Queryable, replay: Replay): Promise<void> {
  await db.query(
    `insert into replays (replay_id, campaign_id, campaign_version, since, until, why, made_by)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      replay.replayId,
      replay.campaignId,
      replay.version,
      replay.since,
      replay.until,
      replay.why,
      replay.madeBy,
    ],
  )
}

/** Dates conversions anew: what is no decision, and nothing that anybody is told, is no entry of the ledger. */
export async function moveConversions(
  db: Queryable,
  moved: readonly { readonly callUuid: string; readonly convertedAt: Date }[],
): Promise<void> {
  if (moved.length === 0) return
  await db.query(
    `update calls set settled_at = converted_at
       from unnest($1::uuid[], $2::timestamptz[]) as moved (call_uuid, converted_at)
      where calls.call_uuid = moved.call_uuid`,
    [moved.map(({ callUuid }) => callUuid), moved.map(({ convertedAt }) => convertedAt)],
  )
}

/** Pins calls to the rules that they were settled under anew: what is posted later is decided by these. */
export async function pinCalls(
  db: Queryable,
  callUuids: readonly string[],
  version: number,
): Promise<void> {
  await db.query(`update calls set campaign_version = $2 where call_uuid = any($1::uuid[])`, [
    callUuids,
    version,
  ])
}
