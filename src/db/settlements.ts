import { buildEntry, type LedgerEntry, type NewEntry } from '../domain/ledger.ts'
import { WITHDRAWN } from '../domain/settlement.ts'
import { columnsOf } from './columns.ts'
import { hashEntry, NO_HASH } from './ledger-hash.ts'
import type { Queryable } from './queryable.ts'

interface LastEntry {
  readonly hash: string
  readonly decidedAt: Date
}

/** An entry as it is stored, and what of it is put on its call. */
interface Row extends LedgerEntry {
  /** In hex, as is `hash`. */
  readonly previous_hash: string
  readonly hash: string
  /** Whether it is the newest of its call. */
  is_standing: boolean
  /** Null for a correction, which changes what a conversion is worth and not when the call converted. */
  settled_at: string | null
}

const COLUMNS = [
  ['call_uuid', 'uuid'],
  ['revision', 'int'],
  ['kind', 'text'],
  ['conversion', 'text'],
  ['reason', 'text'],
  ['campaign_id', 'text'],
  ['campaign_version', 'int'],
  ['group_id', 'text'],
  ['conversion_name', 'text'],
  ['basis', 'text'],
  ['revenue', 'numeric'],
  ['payout', 'numeric'],
  ['payout_clamped', 'boolean'],
  ['postback_id', 'uuid'],
  ['postback_value', 'text'],
  ['connected_ms', 'bigint'],
  ['late', 'boolean'],
  ['duplicate', 'boolean'],
  ['steps', 'jsonb'],
  ['decided_at', 'timestamptz'],
  ['publisher_id', 'text'],
  ['buyer_id', 'text'],
  ['ended_at', 'timestamptz'],
  ['settle_at', 'timestamptz'],
  ['replay_id', 'uuid'],
  ['previous_hash', 'text'],
  ['hash', 'text'],
  ['is_standing', 'boolean'],
  ['settled_at', 'timestamptz'],
] as const satisfies readonly (readonly [keyof Row, string])[]

const NAMES = COLUMNS.map(([name]) => name)
const ARRAYS = COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ')
const STORED = NAMES.slice(0, -4).join(', ')

// Never waits: who has locked one waits for its call, finds that decided, and takes the deadline away.
const DEADLINES = `
  select place
    from new, lateral (
         select ctid as place from deadlines
          where deadline_slot(settle_at) = deadline_slot(new.settle_at)
            and call_uuid = new.call_uuid
            for update skip locked) deadline
   where new.revision = 1`

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
  await db.query({
    name: 'append-settlements',
    text: `with new as (
             select * from unnest(${ARRAYS})
                        as new (${NAMES.join(', ')})
           ), standing as (
             update calls
                set conversion = new.conversion, conversion_group_id = new.group_id,
                    revision = new.revision, reason = new.reason, conversion_name = new.conversion_name,
                    basis = new.basis, revenue = new.revenue, payout = new.payout,
                    postback_value = new.postback_value, late = new.late, duplicate = new.duplicate,
                    settled_at = coalesce(new.settled_at, calls.settled_at)
               from new
              where calls.call_uuid = new.call_uuid and new.is_standing
           ), decided as (
             delete from deadlines where ctid = any (array(${DEADLINES}))
           )
           insert into settlements (${STORED}, previous_hash, hash)
           select ${STORED}, decode(previous_hash, 'hex'), decode(hash, 'hex') from new`,
    values: columnsOf(chain(settlements, last), NAMES),
  })
}

function chain(settlements: readonly NewEntry[], before: ReadonlyMap<string, LastEntry>): Row[] {
  const last = new Map(before)
  const standing = new Map<string, Row>()
  return settlements.map((settlement) => {
    const { callUuid } = settlement.call
    const previous = last.get(callUuid)
    const decidedAt = latest(settlement.decidedAt, previous?.decidedAt)
    const entry = buildEntry({ ...settlement, decidedAt })
    const previousHash = previous?.hash ?? NO_HASH
    const hash = hashEntry(previousHash, entry)
    last.set(callUuid, { hash, decidedAt })
    const overtaken = standing.get(callUuid)
    const settledAt = settledAtOf(settlement, entry) ?? overtaken?.settled_at
    if (overtaken) overtaken.is_standing = false
    const chained = { previous_hash: previousHash, hash }
    const row: Row = { ...entry, ...chained, is_standing: true, settled_at: settledAt ?? null }
    standing.set(callUuid, row)
    return row
  })
}

/** When the call was settled or converted, if the entry changes that. */
function settledAtOf({ call, convertedAt }: NewEntry, entry: LedgerEntry): string | undefined {
  if (convertedAt) return convertedAt.toISOString()
  const isRevived = call.settlement.basis === WITHDRAWN && entry.basis !== WITHDRAWN
  return entry.kind === 'adjustment' && !isRevived ? undefined : entry.decided_at
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
