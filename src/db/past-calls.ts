import type { PastCall, PastPostback, Standing } from '../domain/rehearse.ts'
import { readPages } from './pages.ts'
import type { Queryable } from './queryable.ts'

/** A past call with what it is worth as things stand. */
export interface StoredPastCall {
  readonly callUuid: string
  readonly campaignVersion: number
  readonly call: PastCall
  readonly standing: Standing
}

/** Which calls. */
export interface PastCalls {
  readonly campaignId: string
  /** The first beginning that counts. */
  readonly since: Date
  /** The first that does not. */
  readonly until: Date
}

interface CallRow {
  readonly callUuid: string
  readonly campaignVersion: number
  readonly publisherId: string
  readonly buyerId: string | null
  readonly tags: Record<string, string>
  readonly endedAt: Date
  readonly settleAt: Date | null
  readonly connectedMs: number | null
  readonly duplicate: boolean
  readonly conversion: string
  readonly revenue: string | null
  readonly payout: string | null
}

interface PostbackRow {
  readonly callUuid: string
  readonly postbackId: string
  readonly receivedAt: Date
  readonly query: string
  readonly body: string
  readonly foundCall: PastPostback['foundCall']
  readonly isDuplicate: boolean
}

const CALL_COLUMNS = `
  select call_uuid "callUuid", campaign_version "campaignVersion", publisher_id "publisherId",
         buyer_id "buyerId", tags, ended_at "endedAt", settle_at "settleAt", connected_ms "connectedMs", duplicate,
         conversion, revenue, payout`

const PAGE = 2_000
const FIRST_UUID = '00000000-0000-0000-0000-000000000000'

/** The ended calls of a campaign with their postbacks, a page at a time; memory does not grow with them. */
export function readPastCalls(
  db: Queryable,
  wanted: PastCalls,
): AsyncGenerator<readonly StoredPastCall[]> {
  return readPages<StoredPastCall>(async (last) => {
    const rows = await readCalls(db, wanted, last?.callUuid ?? FIRST_UUID)
    return withPostbacks(db, rows)
  })
}

async function readCalls(
  db: Queryable,
  { campaignId, since, until }: PastCalls,
  after: string,
): Promise<readonly CallRow[]> {
  const { rows } = await db.query<CallRow>({
    name: 'read-past-calls',
    // A UUID begins with its time, by a process's clock: a day more at each end, and then exactly.
    text: `${CALL_COLUMNS}
             from calls
            where call_uuid > greatest($1::uuid, uuid_floor(greatest($3::timestamptz - interval '1 day', 'epoch')))
              and call_uuid < uuid_floor($4::timestamptz + interval '1 day')
              and started_at >= $3 and started_at < $4
              and campaign_id = $2 and state = 'ended'
            order by call_uuid limit $5`,
    values: [after, campaignId, since, until, PAGE],
  })
  return rows
}

/** The same of calls that are locked. */
export async function loadPastCalls(
  db: Queryable,
  callUuids: readonly string[],
): Promise<ReadonlyMap<string, StoredPastCall>> {
  const { rows } = await db.query<CallRow>({
    name: 'load-past-calls',
    text: `${CALL_COLUMNS} from calls where call_uuid = any($1::uuid[])`,
    values: [callUuids],
  })
  const calls = await withPostbacks(db, rows)
  return new Map(calls.map((call) => [call.callUuid, call]))
}

async function withPostbacks(
  db: Queryable,
  rows: readonly CallRow[],
): Promise<readonly StoredPastCall[]> {
  if (rows.length === 0) return []
  const postbacks = await readPostbacks(db, rows)
  return rows.map((row) => pastCallOf(row, postbacks.get(row.callUuid) ?? []))
}

/**
 * What was kept for the end of the call comes first. The rest goes by the decisions of the call: one that made
 * a decision comes before those that found it, of which the order means nothing; only that a transaction id
 * has to be known before it comes again. Of a call with a postback of an earlier build, the clock has to do.
 */
const AS_APPLIED = `
  p.reason = 'call_in_progress' desc,
  case when bool_and(p.revision is not null) over (partition by p.call_uuid)
       then 3 * p.revision + case when decision.made then 0 when p.reason = 'same_txid' then 2 else 1 end end,
  p.received_at, p.postback_id`

async function readPostbacks(
  db: Queryable,
  calls: readonly CallRow[],
): Promise<ReadonlyMap<string, readonly PostbackRow[]>> {
  const { rows } = await db.query<PostbackRow>({
    name: 'read-past-postbacks',
    text: `select p.call_uuid "callUuid", p.postback_id "postbackId", p.received_at "receivedAt", p.query,
                  p.body, p.reason = 'duplicate_caller' "isDuplicate",
                  case when p.reason = 'call_in_progress' then 'live'
                       when p.conversion = 'pending' or p.postback_id = first.postback_id then 'waiting'
                       when first.reason = 'no_postback' then 'timed_out'
                       else 'decided' end "foundCall"
             from postbacks p join calls c using (call_uuid)
             left join lateral (select reason, postback_id from settlements s
                                 where s.call_uuid = p.call_uuid and s.revision = 1 limit 1) first on true
             left join lateral (select true made from settlements s
                                 where s.call_uuid = p.call_uuid and s.revision = p.revision
                                   and s.postback_id = p.postback_id limit 1) decision on true
            where p.call_uuid = any($1::uuid[]) and p.leg = c.bridged_leg and p.reason <> 'prefetch'
            order by ${AS_APPLIED}`,
    values: [calls.map(({ callUuid }) => callUuid)],
  })
  return Map.groupBy(rows, ({ callUuid }) => callUuid)
}

function pastCallOf(row: CallRow, postbacks: readonly PostbackRow[]): StoredPastCall {
  const { callUuid, campaignVersion, conversion } = row
  return {
    callUuid,
    campaignVersion,
    call: {
      publisherId: row.publisherId,
      buyerId: row.buyerId ?? undefined,
      tags: row.tags,
      endedAt: row.endedAt,
      settleAt: row.settleAt ?? undefined,
      isWaiting: conversion === 'pending',
      connectedMs: row.connectedMs ?? undefined,
      duplicate: row.duplicate,
      postbacks: postbacks.map(({ query, body, ...past }) => ({ ...past, text: { query, body } })),
    },
    standing: {
      conversion,
      revenue: row.revenue ?? undefined,
      payout: row.payout ?? undefined,
    },
  }
}
