import type { PostbackText } from '../domain/postback.ts'
import { columnsOf } from './columns.ts'
import type { Queryable } from './queryable.ts'

/** A request to `set_value`, as it is kept. @see behaviour B15 */
export interface NewPostback {
  readonly callUuid: string
  /** Version 7, so that a call's postbacks sort by time. */
  readonly postbackId: string
  readonly receivedAt: Date
  readonly source: string
  readonly method: string
  /** Without the key. */
  readonly text: PostbackText
  readonly leg: number | undefined
  readonly httpStatus: number
  readonly status: string
  readonly reason: string
  /** The call's state after it. */
  readonly conversion: string
  /** The call's decisions after it, its own included. */
  readonly revision: number
  readonly revenueText: string | undefined
  readonly txid: string | undefined
}

/** Stores postbacks of calls that the caller has locked, so that they exist. */
export async function insertPostbacks(
  db: Queryable,
  postbacks: readonly NewPostback[],
): Promise<void> {
  if (postbacks.length === 0) return
  await db.query({
    name: 'insert-postbacks',
    text: `${INSERT} select * from ${ROWS}`,
    values: columnsOfPostbacks(postbacks),
  })
}

/** A request that was turned away before its call was looked at. */
export type NewRefusal = Omit<NewPostback, 'conversion' | 'revision'>

/** Stores refusals with the state of their calls; those of unknown calls are left out, and nobody is told so. */
export async function insertRefusals(
  db: Queryable,
  refusals: readonly NewRefusal[],
): Promise<void> {
  await db.query({
    name: 'insert-refusals',
    text: `${INSERT}
           select call_uuid, postback_id, received_at, source, method, query, body, leg,
                  http_status, status, new.reason, calls.conversion, new.revision, revenue_text, txid
             from ${ROWS} join calls using (call_uuid)`,
    values: columnsOfPostbacks(refusals),
  })
}

const COLUMNS = [
  ['call_uuid', 'uuid'],
  ['postback_id', 'uuid'],
  ['received_at', 'timestamptz'],
  ['source', 'text'],
  ['method', 'text'],
  ['query', 'text'],
  ['body', 'text'],
  ['leg', 'smallint'],
  ['http_status', 'smallint'],
  ['status', 'text'],
  ['reason', 'text'],
  ['conversion', 'text'],
  ['revision', 'int'],
  ['revenue_text', 'text'],
  ['txid', 'text'],
] as const

const NAMES = COLUMNS.map(([name]) => name)
const INSERT = `insert into postbacks (${NAMES.join(', ')})`
const ROWS = `unnest(${COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ')})
                as new (${NAMES.join(', ')})`

function columnsOfPostbacks(postbacks: readonly (NewRefusal & Partial<NewPostback>)[]): string[] {
  const rows = postbacks.map((postback) => ({
    call_uuid: postback.callUuid,
    postback_id: postback.postbackId,
    received_at: postback.receivedAt,
    source: postback.source,
    method: postback.method,
    query: postback.text.query,
    body: postback.text.body,
    leg: postback.leg,
    http_status: postback.httpStatus,
    status: postback.status,
    reason: postback.reason,
    conversion: postback.conversion,
    revision: postback.revision,
    revenue_text: postback.revenueText,
    txid: postback.txid,
  }))
  return columnsOf(rows, NAMES)
}

/** A postback that came before its call had ended and waits to be applied. */
export interface KeptPostback {
  readonly callUuid: string
  readonly postbackId: string
  readonly text: PostbackText
}

/**
 * The postbacks that bridged buyers sent during their calls, in the order they came: by the database's clock
 * first, since the ids of two processes are only as much in order as their clocks. @see behaviour B9
 */
export async function findKeptPostbacks(
  db: Queryable,
  callUuids: readonly string[],
): Promise<readonly KeptPostback[]> {
  if (callUuids.length === 0) return []
  const { rows } = await db.query<{
    callUuid: string
    postbackId: string
    query: string
    body: string
  }>({
    name: 'find-kept-postbacks',
    text: `select call_uuid "callUuid", postback_id "postbackId", query, body
             from postbacks join calls using (call_uuid)
            where call_uuid = any($1::uuid[]) and leg = bridged_leg
              and postbacks.reason = 'call_in_progress'
            order by call_uuid, received_at, postback_id`,
    values: [callUuids],
  })
  return rows.map(({ callUuid, postbackId, query, body }) => ({
    callUuid,
    postbackId,
    text: { query, body },
  }))
}

/** What is known of a call's transaction ids without applying its postbacks again. */
export interface AppliedTxids {
  /** Of postbacks that have led to decisions, or were answered as repeats. */
  readonly txids: readonly string[]
  /** Whether some were kept for the end of the call, where it is not put down what came of each. */
  readonly hasKept: boolean
}

/** The transaction ids of calls, by call; a call without any is left out. @see behaviour B12 */
export async function findAppliedTxids(
  db: Queryable,
  callUuids: readonly string[],
): Promise<ReadonlyMap<string, AppliedTxids>> {
  if (callUuids.length === 0) return new Map()
  const { rows } = await db.query<AppliedTxids & { callUuid: string }>({
    name: 'find-applied-txids',
    text: `select call_uuid "callUuid", bool_or(reason = 'call_in_progress') "hasKept",
                  coalesce(array_agg(txid) filter (
                    where status in ('converted', 'adjusted', 'duplicate')), '{}') "txids"
             from postbacks
            where call_uuid = any($1::uuid[]) and txid is not null
            group by call_uuid`,
    values: [callUuids],
  })
  return new Map(rows.map(({ callUuid, ...found }) => [callUuid, found]))
}
