import type { LedgerEntry } from '../domain/ledger.ts'
import type { PostbackText } from '../domain/postback.ts'
import type { SettlementReason } from '../domain/settlement.ts'
import { readPages } from './pages.ts'
import type { Queryable } from './queryable.ts'

/** An entry as it is stored, with the postback that it names and the call as it stands. */
export interface StoredEntry {
  readonly entry: LedgerEntry
  readonly position: number
  /** In hex, as is `hash`. */
  readonly previousHash: string
  readonly hash: string
  readonly postback: PostbackText | undefined
  /** What the call's row says; undefined in an export, null where the call has gone. */
  readonly call: StandingMoney | null | undefined
}

/** The money of a call as its own row has it. */
export interface StandingMoney {
  readonly revision: number
  readonly conversion: string
  readonly reason: SettlementReason | null
  readonly revenue: string | null
  readonly payout: string | null
}

interface EntryRow extends Omit<LedgerEntry, 'decided_at' | 'ended_at' | 'settle_at'> {
  readonly decided_at: Date
  readonly ended_at: Date | null
  readonly settle_at: Date | null
  readonly position: number
  readonly previous_hash: string
  readonly hash: string
  readonly query: string | null
  readonly body: string | null
  /** Null where the call has gone. */
  readonly standing_revision: number | null
  readonly standing_conversion: string | null
  readonly standing_reason: SettlementReason | null
  readonly standing_revenue: string | null
  readonly standing_payout: string | null
}

const PAGE = 2_000
const FIRST = { call_uuid: '00000000-0000-0000-0000-000000000000', revision: 0 }

/** The whole ledger, call by call, a page at a time; memory does not grow with its length. */
export async function* readLedger(
  db: Queryable,
  pageSize = PAGE,
): AsyncGenerator<readonly StoredEntry[]> {
  for await (const rows of readPages<EntryRow>((last) => readPage(db, last ?? FIRST, pageSize))) {
    yield rows.map(storedEntryOf)
  }
}

async function readPage(
  db: Queryable,
  after: Pick<LedgerEntry, 'call_uuid' | 'revision'>,
  pageSize: number,
): Promise<readonly EntryRow[]> {
  const { rows } = await db.query<EntryRow>({
    name: 'read-ledger',
    // Looked up row by row: a plan that reads whole tables for each page takes ever longer as they grow.
    text: `select s.call_uuid, s.revision, s.kind, s.conversion, s.reason, s.campaign_id,
                    s.campaign_version, s.group_id, s.conversion_name, s.basis, s.revenue, s.payout,
                    s.payout_clamped, s.postback_id, s.postback_value, s.connected_ms, s.late,
                    s.duplicate, s.steps, s.decided_at, s.publisher_id, s.buyer_id, s.ended_at,
                    s.settle_at, s.replay_id, s.position, encode(s.previous_hash, 'hex') previous_hash,
                    encode(s.hash, 'hex') hash, p.query, p.body, c.revision standing_revision,
                    c.conversion standing_conversion, c.reason standing_reason,
                    c.revenue standing_revenue, c.payout standing_payout
               from (select * from settlements
                      where (call_uuid, revision) > ($1::uuid, $2::int)
                      order by call_uuid, revision limit $3) s
               left join lateral (select revision, conversion, reason, revenue, payout from calls
                                   where calls.call_uuid = s.call_uuid limit 1) c on true
               left join lateral (select query, body from postbacks
                                   where postbacks.call_uuid = s.call_uuid
                                     and postbacks.postback_id = s.postback_id limit 1) p on true
              order by s.call_uuid, s.revision`,
    values: [after.call_uuid, after.revision, pageSize],
  })
  return rows
}

function storedEntryOf(row: EntryRow): StoredEntry {
  const { position, previous_hash, hash, query, body } = row
  return {
    entry: {
      ...row,
      decided_at: row.decided_at.toISOString(),
      ended_at: row.ended_at?.toISOString() ?? null,
      settle_at: row.settle_at?.toISOString() ?? null,
    },
    position,
    previousHash: previous_hash,
    hash,
    postback: query === null || body === null ? undefined : { query, body },
    call: standingOf(row),
  }
}

function standingOf(row: EntryRow): StandingMoney | null {
  const { standing_revision: revision, standing_conversion: conversion } = row
  if (revision === null || conversion === null) return null
  return {
    revision,
    conversion,
    reason: row.standing_reason,
    revenue: row.standing_revenue,
    payout: row.standing_payout,
  }
}

/** A call that says it has been decided, or more often than the ledger knows; undefined if there is none. */
export async function findCallWithoutEntry(db: Queryable): Promise<string | undefined> {
  const { rows } = await db.query<{ callUuid: string }>(
    `select call_uuid "callUuid" from calls
      where (revision > 0 or conversion in ('converted', 'not_converted'))
        and not exists (select from settlements s
                         where s.call_uuid = calls.call_uuid and s.revision = calls.revision)
      order by call_uuid limit 1`,
  )
  return rows[0]?.callUuid
}
