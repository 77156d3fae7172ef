import { expect, it } from 'vitest'
import type { Queryable } from '../../src/db/queryable.ts'
import { createSecrets } from '../../src/delivery/secrets.ts'
import { openTestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

const delivery = { campaignId: 'solar', campaignVersion: 1, trackingUrlId: 'sale' }

const addVersion = (db: Queryable, version: number, trackingUrls: readonly object[]) =>
  db.query(`insert into campaign_versions values ('solar', $1, $2)`, [
    version,
    JSON.stringify({ tracking_urls: trackingUrls }),
  ])

async function openSecrets() {
  const db = await openTestDatabase()
  const clock = { nowMs: 0 }
  await addVersion(db, 1, [{ id: 'sale', secrets: ['one'] }, { id: 'ping' }])
  return { db, clock, secretsOf: createSecrets(db, () => clock.nowMs) }
}

it('gives the secrets in force, and for a URL that was removed those of the call', async () => {
  const { db, secretsOf } = await openSecrets()
  await addVersion(db, 2, [{ id: 'ping', secrets: ['two', 'old'] }])
  expect(await secretsOf(delivery)).toEqual(['one'])
  expect(await secretsOf({ ...delivery, trackingUrlId: 'ping' })).toEqual(['two', 'old'])
  expect(await secretsOf({ ...delivery, trackingUrlId: 'never' })).toEqual([])
})

it('gives none where the newest version has none, or a campaign has no URLs', async () => {
  const { db, secretsOf } = await openSecrets()
  await addVersion(db, 2, [{ id: 'sale' }])
  await db.query(`insert into campaign_versions values ('bare', 1, '{}')`)
  expect(await secretsOf(delivery)).toEqual([])
  expect(await secretsOf({ ...delivery, campaignId: 'bare' })).toEqual([])
})

it('looks again behind a delivery after 5 s, and before it after 30 s', async () => {
  const { db, clock, secretsOf } = await openSecrets()
  expect(await secretsOf(delivery)).toEqual(['one'])
  await addVersion(db, 2, [{ id: 'sale', secrets: ['two'] }])
  clock.nowMs = 4_999
  expect(await secretsOf(delivery)).toEqual(['one'])
  clock.nowMs = 5_000
  expect(await secretsOf(delivery)).toEqual(['one'])
  await waitFor(async () => (await secretsOf(delivery))[0] === 'two', { what: 'the new secret' })

  await addVersion(db, 3, [{ id: 'sale', secrets: ['three'] }])
  clock.nowMs = 35_000
  expect(await secretsOf(delivery)).toEqual(['three'])
})

it('does not remember that the database was away', async () => {
  const { db, clock } = await openSecrets()
  const away = { isAway: true }
  const secretsOf = createSecrets(
    {
      query: (statement, values) =>
        away.isAway ? Promise.reject(new Error('away')) : db.query(statement, values),
    },
    () => clock.nowMs,
  )
  await expect(secretsOf(delivery)).rejects.toThrow('away')
  away.isAway = false
  expect(await secretsOf(delivery)).toEqual(['one'])
  away.isAway = true
  clock.nowMs = 29_999
  expect(await secretsOf(delivery)).toEqual(['one'])
})
