import {
  countLiveApiKeys,
  findApiKey,
  insertApiKey,
  type LiveApiKey,
  lockApiKeys,
  revokeLiveApiKey,
  type StoredApiKey,
} from '../db/api-keys.ts'
import { insertAct } from '../db/audit.ts'
import type { Database } from '../db/queryable.ts'
import { LIVE_KEYS_MAX } from '../domain/api-key.ts'
import type { Actor } from '../domain/audit.ts'

/** Stores a new key and puts that on record; `too_many` if as many are live as may be. */
export async function createApiKey(
  database: Database,
  key: LiveApiKey,
  by: Actor,
): Promise<StoredApiKey | 'too_many'> {
  return database.transaction(async (db) => {
    await lockApiKeys(db)
    if ((await countLiveApiKeys(db)) >= LIVE_KEYS_MAX) return 'too_many'
    const stored = await insertApiKey(db, key, by.name)
    const details = { name: key.name, role: key.role }
    await insertAct(db, by, { what: 'api_key.created', subject: key.keyId, details })
    return stored
  })
}

/**
 * Revokes a key and puts that on record; it is refused everywhere within half a second. Once more changes
 * nothing. Undefined if there is no such key.
 */
export async function revokeApiKey(
  database: Database,
  keyId: string,
  by: Actor,
): Promise<StoredApiKey | undefined> {
  return database.transaction(async (db) => {
    const revoked = await revokeLiveApiKey(db, keyId)
    if (!revoked) return findApiKey(db, keyId)
    const details = { name: revoked.name, role: revoked.role }
    await insertAct(db, by, { what: 'api_key.revoked', subject: keyId, details })
    return revoked
  })
}
