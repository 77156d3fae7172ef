import type { PastCall, PastPostback, Standing } from '../domain/rehearse.ts'
import type { ConversionState, SettlementState } from '../domain/settlement.ts'
import { readPages } from './pages.ts'
import type { Queryable } from './queryable.ts'

/** A past call with what it is worth as things stand. */
export interface StoredPastCall {
  readonly callUuid: string
  readonly campaignVersion: number
  /** Undefined where the caller withheld it. */
  readonly callerNumber: string | undefined
  readonly call: PastCall
  readonly standing: Standing
  readonly settlement: SettlementState
  /** When it was settled, or has converted. */
  readonly settledAt: Date | undefined
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
  readonly conversion: ConversionState
  readonly revenue: string | null
  readonly payout: string | null
  readonly callerNumber: string | null
  readonly revision: number
  readonly conversionName: string | null
  readonly basis: string | null
  readonly late: boolean
  readonly settledAt: Date | null
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
         conversion, revenue, payout, caller_number "callerNumber", revision,
         conversion_name "conversionName", basis, late, settled_at "settledAt"`

/** A UUID begins with its time, by a process's clock: a day more at each end, and then exactly. */
const IN_RANGE = `
  call_uuid >= uuid_floor(greatest($3::timestamptz - interval '1 day', 'epoch'))
  and call_uuid < uuid_floor($4::timestamptz + interval '1 day')
  and started_at >= $3 and started_at < $4
  and campaign_id = $2 and state = 'ended'`

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
    text: `${CALL_COLUMNS}
             from calls
            where call_uuid > $1::uuid and ${IN_RANGE}
            order by call_uuid limit $5`,
    values: [after, campaignId, since, until, PAGE],
  })
  return rows
}

/**
 * The same, and of each caller all calls at once: on the page of the first one. Those of callers who withheld
 * their numbers come alone.
 */
export async function* readPastCallers(
  db: Queryable,
  wanted: PastCalls,
): AsyncGenerator<readonly StoredPastCall[]> {
  for await (const page of readPastCalls(db, wanted)) {
    const callers = await findNewCallers(db, wanted, page)
    const withheld = page.filter(({ callerNumber }) => callerNumber === undefined)
    yield [...withheld, ...(await readCallsOf(db, wanted, callers))]
  }
}

/** The callers of these calls who have no call before them. */
async function findNewCallers(
  db: Queryable,
  { campaignId, since, until }: PastCalls,
  page: readonly StoredPastCall[],
): Promise<readonly string[]> {
  const callers = new Set(page.flatMap(({ callerNumber }) => callerNumber ?? []))
  const { rows } = await db.query<{ callerNumber: string }>({
    name: 'find-new-callers',
    text: `select caller "callerNumber" from unnest($1::text[]) caller
            where not exists (
                  select from calls
                   where caller_number = caller and ${IN_RANGE} and call_uuid < $5 offset 0)`,
    values: [[...callers], campaignId, since, until, page[0]?.callUuid],
  })
  return rows.map(({ callerNumber }) => callerNumber)
}

async function readCallsOf(
  db: Queryable,
  { campaignId, since, until }: PastCalls,
  callerNumbers: readonly string[],
): Promise<readonly StoredPastCall[]> {
  const { rows } = await db.query<CallRow>({
    name: 'read-past-calls-of',
    // Caller by caller, by the index of theirs: all calls of the range would be read for every page.
    text: `${CALL_COLUMNS}
             from unnest($1::text[]) caller, lateral (
                  select * from calls where caller_number = caller and ${IN_RANGE} offset 0) calls`,
    values: [callerNumbers, campaignId, since, until],
  })
  return withPostbacks(db, rows)
}

/** The same of these calls, which may be locked. */
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
    callerNumber: row.callerNumber ?? undefined,
    settledAt: row.settledAt ?? undefined,
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
    settlement: {
      revision: row.revision,
      conversion,
      conversionName: row.conversionName ?? undefined,
      basis: row.basis ?? undefined,
      late: row.late,
      duplicate: row.duplicate,
    },
  }
}
