import { expect, it } from 'vitest'
import { lockApiKeys } from '../../src/db/api-keys.ts'
import { lockAnchors } from '../../src/db/ledger-anchors.ts'
import { openTestDatabase } from '../support/database.ts'

it('the ledger is anchored while somebody makes a key of the API', async () => {
  const database = await openTestDatabase()
  await database.transaction(async (db) => {
    await lockApiKeys(db)
    expect(await database.transaction(lockAnchors)).toBe(true)
  })
})
