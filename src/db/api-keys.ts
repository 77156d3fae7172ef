import type { KeyRole } from '../domain/api-key.ts'
import { ADVISORY_LOCKS } from './advisory-locks.ts'
import type { Queryable } from './queryable.ts'

/** A key of the API without what opens anything. */
export interface StoredApiKey {
  readonly keyId: string
  readonly name: string
  readonly role: KeyRole
  readonly createdAt: Date
  /** The name of the key that made it. */
  readonly createdBy: string
  /** To the minute; null if never. */
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
}

/** A key that opens what its role allows. */
export interface LiveApiKey extends Pick<StoredApiKey, 'keyId' | 'name' | 'role'> {
  /** SHA-256 of the key. */
  readonly hash: Buffer
}

const COLUMNS = `key_id "keyId", name, role, created_at "createdAt", created_by "createdBy",
                 last_used_at "lastUsedAt", revoked_at "revokedAt"`

/**
 * Makes others who add a key wait until this transaction ends. How many there are is read after it, in a
 * statement of its own.
 */
export async function lockApiKeys(db: Queryable): Promise<void> {
  await db.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.apiKeys])
}

/** How many keys are not revoked. */
export async function countLiveApiKeys(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int "count" from api_keys where revoked_at is null`,
  )
  return rows[0]?.count ?? 0
}

/** Stores a new key, and gives it as it is stored. */
export async function insertApiKey(
  db: Queryable,
  { keyId, name, role, hash }: LiveApiKey,
  createdBy: string,
): Promise<StoredApiKey> {
  const { rows } = await db.query<StoredApiKey>(
    `insert into api_keys (key_id, name, role, hash, created_by) values ($1, $2, $3, $4, $5)
     returning ${COLUMNS}`,
    [keyId, name, role, hash, createdBy],
  )
  const [row] = rows
  if (!row) throw new Error('insert into api_keys returned no row')
  return row
}

/** Revokes a key; undefined if there is no such key, or it was revoked before. */
export async function revokeLiveApiKey(
  db: Queryable,
  keyId: string,
): Promise<StoredApiKey | undefined> {
  const { rows } = await db.query<StoredApiKey>(
    `update api_keys set revoked_at = app_now() where key_id = $1 and revoked_at is null
     returning ${COLUMNS}`,
    [keyId],
  )
  return rows[0]
}

/** A key, revoked or not; undefined if there never was one. */
export async function findApiKey(db: Queryable, keyId: string): Promise<StoredApiKey | undefined> {
  const { rows } = await db.query<StoredApiKey>(
    `select ${COLUMNS} from api_keys where key_id = $1`,
    [keyId],
  )
  return rows[0]
}

/** Every key that is not revoked, with what is needed to recognise it. */
export async function listLiveApiKeys(db: Queryable): Promise<readonly LiveApiKey[]> {
  const { rows } = await db.query<LiveApiKey>({
    name: 'live-api-keys',
    text: `select key_id "keyId", name, role, hash from api_keys where revoked_at is null`,
  })
  return rows
}

/** Which keys to list; an absent filter matches every one. */
export interface ApiKeyFilters {
  readonly state?: 'live' | 'revoked' | undefined
  /** Only those that were made before this one. */
  readonly before?: string | undefined
}

/** The latest first; ids are given out in the order of time. */
export async function listApiKeys(
  db: Queryable,
  { state, before }: ApiKeyFilters,
  limit: number,
): Promise<readonly StoredApiKey[]> {
  const { rows } = await db.query<StoredApiKey>(
    `select ${COLUMNS}
       from api_keys
      where ($1::text is null or (revoked_at is null) = ($1 = 'live'))
        and ($2::uuid is null or key_id < $2)
      order by key_id desc
      limit $3`,
    [state, before, limit],
  )
  return rows
}

/** Notes that a key was used now, unless that was noted within the last minute. */
export async function noteApiKeyUse(db: Queryable, keyId: string): Promise<void> {
  await db.query(
    `update api_keys set last_used_at = app_now()
      where key_id = $1
        and (last_used_at is null or last_used_at < app_now() - interval '1 minute')`,
    [keyId],
  )
}
