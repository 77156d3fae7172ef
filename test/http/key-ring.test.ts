import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { findApiKey, insertApiKey, revokeLiveApiKey } from '../../src/db/api-keys.ts'
import type { Queryable } from '../../src/db/queryable.ts'
import { digestApiKey, isApiKey, makeApiKey } from '../../src/http/api-key-text.ts'
import { createKeyRing, type KeyRingDeps } from '../../src/http/key-ring.ts'
import { openTestDatabase } from '../support/database.ts'
import { silent } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

const ENVIRONMENTS = 'the-key-of-the-environment'

/** A ring that counts the statements which it has sent. */
async function openRing(more: Partial<KeyRingDeps> = {}) {
  const database = await openTestDatabase()
  const sent: string[] = []
  const counting: Queryable = {
    query: (statement, values) => {
      sent.push(typeof statement === 'string' ? statement : statement.text)
      return database.query(statement, values)
    },
  }
  const ring = createKeyRing({
    database: counting,
    adminApiKey: ENVIRONMENTS,
    logger: silent,
    ...more,
  })
  const addKey = async (name: string) => {
    const key = makeApiKey()
    const keyId = randomUUID()
    const stored = { keyId, name, role: 'viewer', hash: digestApiKey(key) } as const
    await insertApiKey(database, stored, 'environment')
    return { key, keyId }
  }
  return { database, ring, sent, addKey }
}

describe('makeApiKey', () => {
  it('makes keys of 256 bits behind a prefix', () => {
    const keys = Array.from({ length: 100 }, makeApiKey)
    expect(keys.every((key) => /^bb_[\w-]{43}$/.test(key) && isApiKey(key))).toBe(true)
    expect(new Set(keys).size).toBe(100)
    expect(Buffer.from(keys[0]?.slice(3) ?? '', 'base64url')).toHaveLength(32)
  })
})

describe('the key ring', () => {
  it('knows the key of the environment, and texts that are no keys, without the database', async () => {
    const { ring, sent } = await openRing()
    expect(await ring.find(ENVIRONMENTS)).toEqual({
      keyId: undefined,
      name: 'environment',
      role: 'administrator',
    })
    expect(await ring.find('')).toBeUndefined()
    expect(await ring.find(`${makeApiKey()}x`)).toBeUndefined()
    expect(sent).toEqual([])
  })

  it('knows a key from the moment on at which it was made', async () => {
    const { ring, addKey } = await openRing()
    expect(await ring.find(makeApiKey())).toBeUndefined()
    const { key, keyId } = await addKey('late')
    expect(await ring.find(key)).toMatchObject({ keyId, name: 'late', role: 'viewer' })
  })

  it('takes a revoked key for half a second at most, and not for a millisecond more', async () => {
    let nowMs = 1_000
    const { database, ring, addKey } = await openRing({ monotonicMs: () => nowMs })
    const { key, keyId } = await addKey('gone')
    expect(await ring.find(key)).toBeDefined()
    await revokeLiveApiKey(database, keyId)
    nowMs = 1_500
    expect(await ring.find(key)).toBeDefined()
    nowMs = 1_501
    expect(await ring.find(key)).toBeUndefined()
  })

  it('sends no statement for each wrong key', async () => {
    const { ring, sent } = await openRing()
    const beganAtMs = performance.now()
    for (let round = 0; round < 5; round++) {
      const found = await Promise.all(Array.from({ length: 500 }, () => ring.find(makeApiKey())))
      expect(found.every((holder) => holder === undefined)).toBe(true)
    }
    const tenthsOfASecond = (performance.now() - beganAtMs) / 100
    expect(sent.length).toBeLessThanOrEqual(tenthsOfASecond + 2)
  })

  it('sends two statements a second at most while a right key is used', async () => {
    const { ring, sent, addKey } = await openRing()
    const { key } = await addKey('busy')
    await ring.find(key)
    const before = sent.length
    await Promise.all(Array.from({ length: 1_000 }, () => ring.find(key)))
    expect(sent.length - before).toBeLessThanOrEqual(1)
  })

  it('notes when a key was last used, at most once a minute', async () => {
    const { database, ring, sent, addKey } = await openRing()
    const { key, keyId } = await addKey('used')
    await ring.find(key)
    const lastUsedAt = async () => (await findApiKey(database, keyId))?.lastUsedAt ?? undefined
    const noted = await waitFor(lastUsedAt, { what: 'the use to be noted' })
    expect(Math.abs(Date.now() - noted.getTime())).toBeLessThan(60_000)
    for (let use = 0; use < 100; use++) await ring.find(key)
    expect(sent.filter((text) => text.includes('last_used_at'))).toHaveLength(1)
  })
})
