import type { CallFacts, CallRecord, CallState, HungUpBy } from '../domain/call.ts'
import type { LeftOutBuyers } from '../domain/left-out.ts'
import type { ConversionState } from '../domain/settlement.ts'
import type { Queryable } from './queryable.ts'

/** A call's first row. */
export interface NewCall {
  readonly facts: CallFacts
  readonly processId: string
  readonly trunkId: string | undefined
  readonly sipCallId: string
  readonly leftOut: readonly LeftOutBuyers[]
}

/** Stores calls that have begun. All of them, or none. */
export async function insertCalls(db: Queryable, calls: readonly NewCall[]): Promise<void> {
  await db.query({
    name: 'insert-calls',
    text: `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, sub_id,
                              trunk_id, caller_number, dialed_number, sip_call_id, started_at, tags,
                              left_out)
           select call_uuid, process_id, campaign_id, campaign_version, publisher_id, sub_id,
                  trunk_id, caller_number, dialed_number, sip_call_id, started_at, tags, left_out
             from jsonb_to_recordset($1::jsonb) as new (
                  call_uuid uuid, process_id uuid, campaign_id text, campaign_version int, publisher_id text,
                  sub_id text, trunk_id text, caller_number text, dialed_number text, sip_call_id text,
                  started_at timestamptz, tags jsonb, left_out jsonb)`,
    values: [
      JSON.stringify(
        calls.map(({ facts, processId, trunkId, sipCallId, leftOut }) => ({
          call_uuid: facts.callUuid,
          process_id: processId,
          campaign_id: facts.campaignId,
          campaign_version: facts.campaignVersion,
          publisher_id: facts.publisherId,
          sub_id: facts.subId,
          trunk_id: trunkId,
          caller_number: facts.callerNumber,
          dialed_number: facts.dialedNumber,
          sip_call_id: sipCallId,
          started_at: facts.startedAt,
          tags: facts.tags,
          left_out: leftOut,
        })),
      ),
    ],
  })
}

/** Adds to calls the buyers that were passed over when their next round was chosen. */
export async function appendLeftOut(
  db: Queryable,
  calls: readonly { readonly callUuid: string; readonly leftOut: readonly LeftOutBuyers[] }[],
): Promise<void> {
  if (calls.length === 0) return
  await db.query({
    name: 'append-left-out',
    text: `update calls set left_out = calls.left_out || new.left_out
             from unnest($1::uuid[], $2::jsonb[]) as new (call_uuid, left_out)
            where calls.call_uuid = new.call_uuid`,
    values: [
      calls.map(({ callUuid }) => callUuid),
      calls.map(({ leftOut }) => JSON.stringify(leftOut)),
    ],
  })
}

/** A buyer's answer, as it is put on the call. */
export interface CallBridged {
  readonly callUuid: string
  readonly leg: number
  readonly buyerId: string
  readonly answeredAt: Date
}

/** Marks ringing calls as bridged; the UUIDs of those that were still ringing. */
export async function markBridged(
  db: Queryable,
  bridged: readonly CallBridged[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ callUuid: string }>({
    name: 'mark-bridged',
    text: `update calls
              set state = 'bridged', bridged_leg = leg, buyer_id = new.buyer_id,
                  answered_at = new.answered_at, sip_status = 200
             from unnest($1::uuid[], $2::smallint[], $3::text[], $4::timestamptz[])
                  as new (call_uuid, leg, buyer_id, answered_at)
            where calls.call_uuid = new.call_uuid and calls.state = 'ringing'
        returning calls.call_uuid "callUuid"`,
    values: [
      bridged.map(({ callUuid }) => callUuid),
      bridged.map(({ leg }) => leg),
      bridged.map(({ buyerId }) => buyerId),
      bridged.map(({ answeredAt }) => answeredAt),
    ],
  })
  return new Set(rows.map(({ callUuid }) => callUuid))
}

/** The end of a call, as it is put on the call. */
export interface CallEnded {
  readonly callUuid: string
  readonly endedAt: Date
  readonly connectedMs: number | undefined
  readonly totalMs: number
  readonly hungUpBy: HungUpBy
  readonly endReason: string
  readonly sipStatus: number | undefined
}

/** Marks calls as ended. The caller holds their locks and knows that they have not ended before. */
export async function markEnded(db: Queryable, ended: readonly CallEnded[]): Promise<void> {
  await db.query({
    name: 'mark-ended',
    text: `update calls
              set state = 'ended', ended_at = new.ended_at,
                  connected_ms = case when answered_at is null then null else new.connected_ms end,
                  total_ms = new.total_ms, hung_up_by = new.hung_up_by, end_reason = new.end_reason,
                  sip_status = coalesce(new.sip_status, calls.sip_status)
             from jsonb_to_recordset($1::jsonb) as new (
                  call_uuid uuid, ended_at timestamptz, connected_ms bigint, total_ms bigint,
                  hung_up_by text, end_reason text, sip_status smallint)
            where calls.call_uuid = new.call_uuid`,
    values: [
      JSON.stringify(
        ended.map((end) => ({
          call_uuid: end.callUuid,
          ended_at: end.endedAt,
          connected_ms: end.connectedMs,
          total_ms: end.totalMs,
          hung_up_by: end.hungUpBy,
          end_reason: end.endReason,
          sip_status: end.sipStatus,
        })),
      ),
    ],
  })
}

/**
 * Locks calls for this transaction; the UUIDs of those that exist. Always in the order of their UUIDs, so
 * that two batches cannot wait for each other. Read with {@link loadCalls} afterwards, never in the same
 * statement: only a later statement sees what the transaction we waited for has written.
 */
export async function lockCalls(
  db: Queryable,
  callUuids: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await db.query<{ callUuid: string }>({
    name: 'lock-calls',
    text: `select call_uuid "callUuid" from calls where call_uuid = any($1::uuid[])
            order by call_uuid for no key update`,
    values: [callUuids],
  })
  return rows.map(({ callUuid }) => callUuid)
}

/**
 * Locks those of the calls that have not ended; their UUIDs, in the order of {@link lockCalls}. One statement
 * is enough: whether a call has ended stands in the row that is locked, and is looked at again after a wait.
 */
export async function lockLiveCalls(
  db: Queryable,
  callUuids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (callUuids.length === 0) return new Set()
  const { rows } = await db.query<{ callUuid: string }>({
    name: 'lock-live-calls',
    text: `select call_uuid "callUuid" from calls where call_uuid = any($1::uuid[]) and state <> 'ended'
            order by call_uuid for no key update`,
    values: [callUuids],
  })
  return new Set(rows.map(({ callUuid }) => callUuid))
}

interface CallRow {
  readonly callUuid: string
  readonly campaignId: string
  readonly campaignVersion: number
  readonly publisherId: string
  readonly subId: string | null
  readonly callerNumber: string | null
  readonly dialedNumber: string
  readonly startedAt: Date
  readonly tags: Record<string, string>
  readonly buyerId: string | null
  readonly answeredAt: Date | null
  readonly endedAt: Date | null
  readonly connectedMs: number | null
  readonly totalMs: number | null
  readonly hungUpBy: HungUpBy | null
  readonly sipStatus: number | null
  readonly state: CallState
  readonly bridgedLeg: number | null
  readonly conversionGroupId: string | null
  readonly settleAt: Date | null
  readonly conversion: ConversionState
  readonly revision: number
  readonly conversionName: string | null
  readonly basis: string | null
  readonly late: boolean
  readonly duplicate: boolean
  readonly revenue: string | null
  readonly payout: string | null
  readonly postbackValue: string | null
}

/** Reads calls as they stand, by UUID. */
export async function loadCalls(
  db: Queryable,
  callUuids: readonly string[],
): Promise<ReadonlyMap<string, CallRecord>> {
  const { rows } = await db.query<CallRow>({
    name: 'load-calls',
    text: `select call_uuid "callUuid", campaign_id "campaignId", campaign_version "campaignVersion",
                  publisher_id "publisherId", sub_id "subId", caller_number "callerNumber",
                  dialed_number "dialedNumber", started_at "startedAt", tags, buyer_id "buyerId",
                  answered_at "answeredAt", ended_at "endedAt", connected_ms "connectedMs",
                  total_ms "totalMs", hung_up_by "hungUpBy", sip_status "sipStatus", state,
                  bridged_leg "bridgedLeg", conversion_group_id "conversionGroupId",
                  settle_at "settleAt", conversion, revision, conversion_name "conversionName",
                  basis, late, duplicate, revenue, payout, postback_value "postbackValue"
             from calls where call_uuid = any($1::uuid[])`,
    values: [callUuids],
  })
  return new Map(rows.map((row) => [row.callUuid, recordOf(row)]))
}

function recordOf(row: CallRow): CallRecord {
  const { conversion, revision, late, duplicate } = row
  return {
    callUuid: row.callUuid,
    campaignId: row.campaignId,
    campaignVersion: row.campaignVersion,
    publisherId: row.publisherId,
    subId: row.subId ?? undefined,
    callerNumber: row.callerNumber ?? undefined,
    dialedNumber: row.dialedNumber,
    startedAt: row.startedAt,
    tags: row.tags,
    buyerId: row.buyerId ?? undefined,
    answeredAt: row.answeredAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
    connectedMs: row.connectedMs ?? undefined,
    totalMs: row.totalMs ?? undefined,
    hungUpBy: row.hungUpBy ?? undefined,
    sipStatus: row.sipStatus ?? undefined,
    state: row.state,
    bridgedLeg: row.bridgedLeg ?? undefined,
    conversionGroupId: row.conversionGroupId ?? undefined,
    settleAt: row.settleAt ?? undefined,
    settlement: {
      revision,
      conversion,
      conversionName: row.conversionName ?? undefined,
      basis: row.basis ?? undefined,
      late,
      duplicate,
    },
    revenue: row.revenue ?? undefined,
    payout: row.payout ?? undefined,
    postbackValue: row.postbackValue ?? undefined,
  }
}

/** A call that waits for a postback until `settleAt`. */
export interface CallPending {
  readonly callUuid: string
  readonly conversionGroupId: string
  readonly settleAt: Date
}

/** Starts the wait for a postback. @see behaviour B8 */
export async function markPending(db: Queryable, pending: readonly CallPending[]): Promise<void> {
  if (pending.length === 0) return
  await db.query({
    name: 'mark-pending',
    text: `update calls
              set conversion = 'pending', conversion_group_id = group_id, settle_at = new.settle_at
             from unnest($1::uuid[], $2::text[], $3::timestamptz[])
                  as new (call_uuid, group_id, settle_at)
            where calls.call_uuid = new.call_uuid`,
    values: [
      pending.map(({ callUuid }) => callUuid),
      pending.map(({ conversionGroupId }) => conversionGroupId),
      pending.map(({ settleAt }) => settleAt),
    ],
  })
}

/** Puts posted data on calls as tags; a tag that is there already is overwritten. @see behaviour B8 */
export async function addTags(
  db: Queryable,
  tagged: readonly { readonly callUuid: string; readonly tags: Readonly<Record<string, string>> }[],
): Promise<void> {
  if (tagged.length === 0) return
  await db.query({
    name: 'add-tags',
    text: `update calls set tags = calls.tags || new.tags
             from jsonb_to_recordset($1::jsonb) as new (call_uuid uuid, tags jsonb)
            where calls.call_uuid = new.call_uuid`,
    values: [JSON.stringify(tagged.map(({ callUuid, tags }) => ({ call_uuid: callUuid, tags })))],
  })
}
