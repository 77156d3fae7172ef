import { createHash } from 'node:crypto'
import type { CallRecord } from '../domain/call.ts'
import type { Decision } from '../domain/settlement.ts'
import type { Queryable } from './queryable.ts'

/** A decision with the facts that it rests on, as the ledger keeps it. */
export interface NewSettlement {
  readonly call: CallRecord
  readonly revision: number
  readonly decision: Decision
  readonly postbackId: string | undefined
  readonly decidedAt: Date
}

interface Entry {
  readonly call_uuid: string
  readonly revision: number
  readonly kind: string
  readonly conversion: string
  readonly reason: string
  readonly campaign_id: string
  readonly campaign_version: number
  readonly group_id: string | null
  readonly conversion_name: string | null
  readonly basis: string | null
  readonly revenue: string | null
  readonly payout: string | null
  readonly payout_clamped: boolean
  readonly postback_id: string | null
  readonly postback_value: string | null
  readonly connected_ms: number | null
  readonly late: boolean
  readonly duplicate: boolean
  readonly steps: readonly string[]
  readonly decided_at: string
}

/** What the first entry of a call is chained to. */
const NO_ENTRY = '00'.repeat(32)

/**
 * Appends decisions to the ledger, each chained by hash to the call's entry before it, and puts the newest
 * one of each call on the call. The caller holds the calls' locks and gives a call's decisions in order.
 */
export async function appendSettlements(
  db: Queryable,
  settlements: readonly NewSettlement[],
): Promise<void> {
  if (settlements.length === 0) return
  const previous = await lastHashes(db, settlements)
  const entries = settlements.map((settlement) => {
    const entry = entryOf(settlement)
    const previousHash = previous.get(entry.call_uuid) ?? NO_ENTRY
    const hash = hashEntry(previousHash, entry)
    previous.set(entry.call_uuid, hash)
    return { ...entry, previous_hash: previousHash, hash }
  })
  await db.query({
    name: 'append-settlements',
    text: `insert into settlements
           select call_uuid, revision, kind, conversion, reason, campaign_id, campaign_version, group_id,
                  conversion_name, basis, revenue, payout, payout_clamped, postback_id, postback_value,
                  connected_ms, late, duplicate, steps, decided_at,
                  decode(previous_hash, 'hex'), decode(hash, 'hex')
             from jsonb_to_recordset($1::jsonb) as new (
                  call_uuid uuid, revision int, kind text, conversion text, reason text, campaign_id text,
                  campaign_version int, group_id text, conversion_name text, basis text, revenue numeric,
                  payout numeric, payout_clamped boolean, postback_id uuid, postback_value text,
                  connected_ms bigint, late boolean, duplicate boolean, steps jsonb, decided_at timestamptz,
                  previous_hash text, hash text)`,
    values: [JSON.stringify(entries)],
  })
  await putOnCalls(db, entries)
}

/** The hash of a ledger entry: SHA-256 over the hash before it and the entry's fields, in hex. */
export function hashEntry(previousHash: string, entry: Entry): string {
  return createHash('sha256').update(previousHash).update(JSON.stringify(entry)).digest('hex')
}

function entryOf({ call, revision, decision, postbackId, decidedAt }: NewSettlement): Entry {
  return {
    call_uuid: call.callUuid,
    revision,
    kind: decision.kind,
    conversion: decision.conversion,
    reason: decision.reason,
    campaign_id: call.campaignId,
    campaign_version: call.campaignVersion,
    group_id: decision.groupId ?? null,
    conversion_name: decision.conversionName ?? null,
    basis: decision.basis ?? null,
    revenue: decision.revenue ?? null,
    payout: decision.payout ?? null,
    payout_clamped: decision.payoutClamped,
    postback_id: postbackId ?? null,
    postback_value: decision.postbackValue ?? null,
    connected_ms: call.connectedMs ?? null,
    late: decision.late,
    duplicate: decision.duplicate,
    steps: decision.steps,
    decided_at: decidedAt.toISOString(),
  }
}

async function lastHashes(
  db: Queryable,
  settlements: readonly NewSettlement[],
): Promise<Map<string, string>> {
  const settledBefore = settlements.filter(({ call }) => call.settlement.revision > 0)
  if (settledBefore.length === 0) return new Map()
  const { rows } = await db.query<{ callUuid: string; hash: string }>({
    name: 'last-hashes',
    text: `select s.call_uuid "callUuid", encode(s.hash, 'hex') "hash"
             from unnest($1::uuid[], $2::int[]) as last (call_uuid, revision)
             join settlements s using (call_uuid, revision)`,
    values: [
      settledBefore.map(({ call }) => call.callUuid),
      settledBefore.map(({ call }) => call.settlement.revision),
    ],
  })
  return new Map(rows.map(({ callUuid, hash }) => [callUuid, hash]))
}

/** Only the last entry of each call is put on it. */
async function putOnCalls(db: Queryable, entries: readonly Entry[]): Promise<void> {
  const newest = new Map(entries.map((entry) => [entry.call_uuid, entry]))
  await db.query({
    name: 'put-settlements-on-calls',
    text: `update calls
              set conversion = new.conversion, conversion_group_id = new.group_id,
                  revision = new.revision, reason = new.reason, conversion_name = new.conversion_name,
                  basis = new.basis, revenue = new.revenue, payout = new.payout,
                  postback_value = new.postback_value, late = new.late, duplicate = new.duplicate,
                  settled_at = new.decided_at
             from jsonb_to_recordset($1::jsonb) as new (
                  call_uuid uuid, revision int, conversion text, reason text, group_id text,
                  conversion_name text, basis text, revenue numeric, payout numeric, postback_value text,
                  late boolean, duplicate boolean, decided_at timestamptz)
            where calls.call_uuid = new.call_uuid`,
    values: [JSON.stringify([...newest.values()])],
  })
}
