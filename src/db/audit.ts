import type { Act, Actor, ActName } from '../domain/audit.ts'
import type { Queryable } from './queryable.ts'

/** Puts an act on record. Called in the transaction of the act itself: both are stored, or neither. */
export async function insertAct(db: Queryable, actor: Actor, act: Act): Promise<void> {
  const [keyId, source] = actor.kind === 'key' ? [actor.keyId, actor.source] : []
  await db.query(
    `insert into audit (by, key_id, who, what, subject, details, source)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [actor.kind, keyId, actor.name, act.what, act.subject, JSON.stringify(act.details), source],
  )
}

/** Which acts to list; an absent filter matches every one. */
export interface AuditFilters {
  /** A key's id or name, a user of the machine, or `cli` for all of these. */
  readonly who?: string | undefined
  readonly what?: ActName | undefined
  /** The first instant that is listed. */
  readonly from?: Date | undefined
  /** The first instant that is not. */
  readonly to?: Date | undefined
  /** Only those that were put on record before this one. */
  readonly before?: number | undefined
}

/** An act as it is on record. */
export interface RecordedAct {
  readonly auditId: number
  readonly at: Date
  readonly by: Actor['kind']
  /** Null for the environment's key and the command line. */
  readonly keyId: string | null
  readonly who: string
  readonly what: ActName
  readonly subject: string | null
  readonly details: Readonly<Record<string, unknown>>
  readonly source: string | null
}

/** The latest first. */
export async function listActs(
  db: Queryable,
  { who, what, from, to, before }: AuditFilters,
  limit: number,
): Promise<readonly RecordedAct[]> {
  const { rows } = await db.query<RecordedAct>(
    `select audit_id "auditId", at, by, key_id "keyId", who, what, subject, details, source
       from audit
      where ($1::text is null or who = $1 or key_id::text = lower($1) or (by = 'cli' and $1 = 'cli'))
        and ($2::text is null or what = $2)
        and ($3::timestamptz is null or at >= $3)
        and ($4::timestamptz is null or at < $4)
        and ($5::bigint is null or audit_id < $5)
      order by audit_id desc
      limit $6`,
    [who, what, from, to, before, limit],
  )
  return rows
}
