import type { Database } from '../../db/queryable.ts'

const INSERTED_AT_ONCE = 50_000
/** Connections that fill the tables. */
const FILLERS = 2

/** How much history. */
export interface History {
  /** In whole batches of 50,000. */
  readonly calls: number
  readonly progress: (text: string) => void
}

/**
 * Stores calls of the last days that were posted back and settled, by sets. Their ledger is not chained: what
 * verifies it needs calls that were settled.
 */
export async function fillHistory(database: Database, { calls, progress }: History): Promise<void> {
  const batches = Math.ceil(calls / INSERTED_AT_ONCE)
  let next = 0
  const fill = async () => {
    while (next < batches) {
      const batch = next++
      if (batch % 20 === 0) progress(`settle: ${batch * INSERTED_AT_ONCE} calls of history`)
      await insertSettledCalls(database, batch * INSERTED_AT_ONCE)
    }
  }
  await Promise.all(Array.from({ length: FILLERS }, fill))
}

async function insertSettledCalls(database: Database, from: number): Promise<void> {
  await database.transaction(
    async (db) => {
      // What is inserted is right by its making: looking each reference up would take as long again.
      await db.query('set local session_replication_role = replica')
      await db.query(HISTORY, [from, INSERTED_AT_ONCE])
    },
    { statementTimeoutMs: 0 },
  )
}

const HISTORY = `
  with new as materialized (
    select overlay(overlay(gen_random_uuid()::text placing left(uuid_floor(at)::text, 13) from 1 for 13)
                   placing '7' from 15 for 1)::uuid call_uuid, gen_random_uuid() postback_id, at,
           '+1212' || lpad(floor(random() * 1e7)::text, 7, '0') caller
      from generate_series($1::int + 1, $1::int + $2::int) i,
           lateral (select date_trunc('milliseconds', app_now() - make_interval(mins => 2, secs => i * 0.05))
                   ) as t (at)
  ), entry as (
    insert into settlements (
           call_uuid, revision, kind, conversion, reason, campaign_id, campaign_version, group_id,
           conversion_name, basis, revenue, payout, payout_clamped, postback_id, postback_value, connected_ms,
           late, duplicate, steps, decided_at, previous_hash, hash, publisher_id, buyer_id, ended_at, settle_at)
    select call_uuid, 1, 'settlement', 'converted', 'posted_revenue', 'bench', 1, 'sales', 'posted',
           'posted:posted:10.000000', 10, 8, false, postback_id, '10.00', 60000, false, false,
           '["revenue 10.00 posted, settled as 10.00", "10 * 0.8 = 8", "rounded half away from zero to 8.00"]',
           at, decode(repeat('00', 32), 'hex'), sha256(convert_to(call_uuid::text, 'UTF8')),
           'publisher', 'buyer', at, at + interval '600 s'
      from new
  ), posted as (
    insert into postbacks (call_uuid, postback_id, received_at, source, method, query, body, leg,
                           http_status, status, reason, conversion, revenue_text)
    select call_uuid, postback_id, at, '127.0.0.1', 'GET', 'key=&revenue=10.00', '', 1, 200, 'converted',
           'posted_revenue', 'converted', '10.00'
      from new
  )
  insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, buyer_id, bridged_leg,
                     caller_number, dialed_number, sip_call_id, state, started_at, answered_at, ended_at,
                     connected_ms, total_ms, hung_up_by, conversion, conversion_group_id, settle_at, settled_at,
                     revision, reason, conversion_name, basis, revenue, payout, postback_value)
  select call_uuid, '00000000-0000-7000-8000-000000000000', 'bench', 1, 'publisher', 'buyer', 1, caller,
         '+18005550100', 'sip-call-id@bench', 'ended', at, at, at, 60000, 70000, 'caller', 'converted', 'sales',
         at + interval '600 s', at, 1, 'posted_revenue', 'posted', 'posted:posted:10.000000', 10, 8, '10.00'
    from new`
