import { timingSafeEqual } from 'node:crypto'
import { type LiveApiKey, listLiveApiKeys, noteApiKeyUse } from '../db/api-keys.ts'
import type { Queryable } from '../db/queryable.ts'
import { ENVIRONMENT_KEY, type KeyRole, LIVE_KEYS_MAX } from '../domain/api-key.ts'
import type { Logger } from '../telemetry/logger.ts'
import { digestApiKey, isApiKey } from './api-key-text.ts'
import { createKeyList } from './key-list.ts'

/** Whose key a request carries. */
export interface KeyHolder {
  /** Undefined for the environment's key. */
  readonly keyId: string | undefined
  readonly name: string
  readonly role: KeyRole
}

/** Knows the keys of the API. */
export interface KeyRing {
  /**
   * Whose key this is; undefined if nobody's. The environment's key is known without the database. Others are
   * taken for up to half a second after they were revoked, and from the moment on at which they were made.
   * @throws if the database is away
   */
  readonly find: (text: string) => Promise<KeyHolder | undefined>
}

export interface KeyRingDeps {
  readonly database: Queryable
  /** The environment's key, an administrator's. */
  readonly adminApiKey: string
  readonly logger: Logger
  /** Milliseconds of a clock that nobody sets; that of the process unless said. */
  readonly monotonicMs?: () => number
}

/** How old the list may be that says that a key is live. */
const REVOKED_WITHIN_MS = 500
const USE_NOTED_EVERY_MS = 60_000
/** A right key is taken however many wrong ones came before it, so it must be too long to be found by trying. */
const ADMIN_KEY_LENGTH_ADVISED = 16

/**
 * All live keys are kept in memory, and there are never many: however many wrong keys arrive, the database is
 * asked ten times a second at most, and while right keys arrive twice.
 */
export function createKeyRing({
  database,
  adminApiKey,
  logger,
  monotonicMs = () => performance.now(),
}: KeyRingDeps): KeyRing {
  const environment = { keyId: undefined, name: ENVIRONMENT_KEY, role: 'administrator' } as const
  const environmentHash = digestApiKey(adminApiKey)
  if (adminApiKey.length < ADMIN_KEY_LENGTH_ADVISED) {
    logger.warn('admin_api_key.short', { advised_length: ADMIN_KEY_LENGTH_ADVISED })
  }
  const list = createKeyList(() => listLiveApiKeys(database), monotonicMs)
  const noteUse = createUses(database, logger)
  return {
    async find(text) {
      const hash = digestApiKey(text)
      if (timingSafeEqual(hash, environmentHash)) return environment
      if (!isApiKey(text)) return undefined
      const arrivedAtMs = monotonicMs()
      const key =
        findByHash(await list.readSince(arrivedAtMs - REVOKED_WITHIN_MS), hash) ??
        findByHash(await list.readSince(arrivedAtMs), hash)
      if (key) noteUse(key.keyId)
      return key
    },
  }
}

/** Compares with every key, so that the time taken says nothing of the one that is nearest. */
const findByHash = (keys: readonly LiveApiKey[], hash: Buffer): LiveApiKey | undefined =>
  keys.filter((key) => timingSafeEqual(key.hash, hash))[0]

/** Notes uses beside the requests, each key's at most once a minute. */
function createUses(database: Queryable, logger: Logger): (keyId: string) => void {
  const notedAtMs = new Map<string, number>()
  return (keyId) => {
    const nowMs = performance.now()
    if (nowMs - (notedAtMs.get(keyId) ?? -Infinity) < USE_NOTED_EVERY_MS) return
    if (notedAtMs.size >= LIVE_KEYS_MAX) notedAtMs.clear()
    notedAtMs.set(keyId, nowMs)
    noteApiKeyUse(database, keyId).catch((error: unknown) => {
      logger.warn('api_key.use_not_noted', { error })
    })
  }
}
