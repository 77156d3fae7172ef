import { buildEntry, type LedgerEntry, type NewEntry } from '../domain/ledger.ts'
import { hashEntry, NO_HASH } from './ledger-hash.ts'
import type { Queryable } from './queryable.ts'

interface LastEntry {
  readonly hash: string
  readonly decidedAt: Date
}

/**
 * Appends decisions to the ledger, each chained by hash to the call's entry before it and never earlier than
 * that, and puts the newest one of each call on the call. The caller holds the calls' locks and gives a
 * call's decisions in order.
 */
export async function appendSettlements(
  db: Queryable,
  settlements: readonly NewEntry[],
): Promise<void> {
  if (settlements.length === 0) return
  const last = await lastEntries(db, settlements)
  const entries = settlements.map((settlement) => {
    const before = last.get(settlement.call.callUuid)
    const decidedAt = latest(settlement.decidedAt, before?.decidedAt)
    const entry = buildEntry({ ...settlement, decidedAt })
    const previousHash = before?.hash ?? NO_HASH
    const hash = hashEntry(previousHash, entry)
    last.set(entry.call_uuid, { hash, decidedAt })
    return { ...entry, previous_hash: previousHash, hash }
  })
  await db.query({
    name: 'append-settlements',
    text: `insert into settlements (
                  call_uuid, revision, kind, conversion, reason, campaign_id, campaign_version, group_id,
                  conversion_name, basis, revenue, payout, payout_clamped, postback_id, postback_value,
                  connected_ms, late, duplicate, steps, decided_at, publisher_id, buyer_id, ended_at,
                  settle_at, replay_id, previous_hash, hash)
           select call_uuid, revision, kind, conversion, reason, campaign_id, campaign_version, group_id,
                  conversion_name, basis, revenue, payout, payout_clamped, postback_id, postback_value,
                  connected_ms, late, duplicate, steps, decided_at, publisher_id, buyer_id, ended_at,
                  settle_at, replay_id, decode(previous_hash, 'hex'), decode(hash, 'hex')
             from jsonb_to_recordset($1::jsonb) as new (
                  call_uuid uuid, revision int, kind text, conversion text, reason text, campaign_id text,
                  campaign_version int, group_id text, conversion_name text, basis text, revenue numeric,
                  payout numeric, payout_clamped boolean, postback_id uuid, postback_value text,
                  connected_ms bigint, late boolean, duplicate boolean, steps jsonb, decided_at timestamptz,
                  publisher_id text, buyer_id text, ended_at timestamptz, settle_at timestamptz,
                  replay_id uuid, previous_hash text, hash text)`,
    values: [JSON.stringify(entries)],
  })
  await putOnCalls(db, entries)
}

/** A transaction that waited for the call may have begun before the one that it waited for. */
function latest(decidedAt: Date, before: Date | undefined): Date {
  return before && before > decidedAt ? before : decidedAt
}

async function lastEntries(
  db: Queryable,
  settlements: readonly NewEntry[],
): Promise<Map<string, LastEntry>> {
  const settledBefore = settlements.filter(({ call }) => call.settlement.revision > 0)
  if (settledBefore.length === 0) return new Map()
  const { rows } = await db.query<LastEntry & { callUuid: string }>({
    name: 'last-entries',
    text: `select s.call_uuid "callUuid", encode(s.hash, 'hex') "hash", decided_at "decidedAt"
             from unnest($1::uuid[], $2::int[]) as last (call_uuid, revision)
             join settlements s using (call_uuid, revision)`,
    values: [
      settledBefore.map(({ call }) => call.callUuid),
      settledBefore.map(({ call }) => call.settlement.revision),
    ],
  })
  return new Map(rows.map(({ callUuid, ...last }) => [callUuid, last]))
}

/**
 * Only the last entry of each call is put on it. A correction changes what a conversion is worth, not when
 * the call converted.
 */
async function putOnCalls(db: Queryable, entries: readonly LedgerEntry[]): Promise<void> {
  const settledAt = new Map(
    entries.flatMap(({ call_uuid, kind, decided_at }) =>
      kind === 'adjustment' ? [] : [[call_uuid, decided_at] as const],
    ),
  )
  const newest = new Map(entries.map((entry) => [entry.call_uuid, entry]))
  await db.query({
    name: 'put-settlements-on-calls',
    text: `update calls
              set conversion = new.conversion, conversion_group_id = new.group_id,
                  revision = new.revision, reason = new.reason, conversion_name = new.conversion_name,
                  basis = new.basis, revenue = new.revenue, payout = new.payout,
                  postback_value = new.postback_value, late = new.late, duplicate = new.duplicate,
                  settled_at = coalesce(new.settled_at, calls.settled_at)
             from jsonb_to_recordset($1::jsonb) as new (
                  call_uuid uuid, revision int, conversion text, reason text, group_id text,
                  conversion_name text, basis text, revenue numeric, payout numeric, postback_value text,
                  late boolean, duplicate boolean, settled_at timestamptz)
            where calls.call_uuid = new.call_uuid`,
    values: [
      JSON.stringify(
        [...newest.values()].map((entry) => ({
          call_uuid: entry.call_uuid,
          revision: entry.revision,
          conversion: entry.conversion,
          reason: entry.reason,
          group_id: entry.group_id,
          conversion_name: entry.conversion_name,
          basis: entry.basis,
          revenue: entry.revenue,
          payout: entry.payout,
          postback_value: entry.postback_value,
          late: entry.late,
          duplicate: entry.duplicate,
          settled_at: settledAt.get(entry.call_uuid) ?? null,
        })),
      ),
    ],
  })
}
