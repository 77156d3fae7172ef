import { beforeEach, expect, it } from 'vitest'
import {
  campaignRules,
  currentConfiguration,
  currentRevision,
  insertCampaignVersions,
  insertConfiguration,
  latestCampaignVersions,
} from '../../src/db/configurations.ts'
import type { CampaignVersion } from '../../src/domain/configuration-changes.ts'
import { aConfigurationDocument, clearConfigurations } from '../support/configuration.ts'
import { openTestDatabase } from '../support/database.ts'

const db = await openTestDatabase()

beforeEach(() => clearConfigurations(db))

const aVersion = (campaignId: string, version: number): CampaignVersion => ({
  campaignId,
  version,
  definition: { id: campaignId, name: `${campaignId} ${version}` },
})

it('has no configuration before one was applied', async () => {
  expect(await currentRevision(db)).toBe(0)
  expect(await currentConfiguration(db)).toBeUndefined()
})

it('gives the newest document with the versions in force of its campaigns', async () => {
  await insertCampaignVersions(db, [
    aVersion('solar', 1),
    aVersion('solar', 2),
    aVersion('removed', 7),
  ])
  await insertConfiguration(db, {})
  const revision = await insertConfiguration(db, aConfigurationDocument())

  expect(await currentRevision(db)).toBe(revision)
  expect(await currentConfiguration(db)).toEqual({
    revision,
    document: aConfigurationDocument(),
    campaignVersions: new Map([['solar', 2]]),
  })
})

it('gives keys back in the order in which people write them', async () => {
  await insertConfiguration(db, aConfigurationDocument())
  const current = await currentConfiguration(db)
  expect(Object.keys(current?.document ?? {})).toEqual(['publishers', 'buyers', 'campaigns'])
  expect(Object.keys(current?.document.campaigns?.[0] ?? {})).toEqual([
    'id',
    'name',
    'numbers',
    'routes',
    'tracking_urls',
    'conversion_groups',
  ])
})

it('gives a document that it cannot read as it is', async () => {
  await db.query(`insert into configurations (document) values ('{"campaigns": 5, "x": [1]}')`)
  expect(await currentConfiguration(db)).toMatchObject({
    document: { campaigns: 5, x: [1] },
    campaignVersions: new Map(),
  })
})

it('gives the latest version of each campaign that has one', async () => {
  await insertCampaignVersions(db, [aVersion('a', 1), aVersion('a', 10), aVersion('b', 2)])
  expect(await latestCampaignVersions(db, ['a', 'b', 'c'])).toEqual(
    new Map([
      ['a', aVersion('a', 10)],
      ['b', aVersion('b', 2)],
    ]),
  )
})

it('reads the rules of any version, and knows which never were (B13)', async () => {
  await insertCampaignVersions(db, [aVersion('a', 1), aVersion('a', 2)])
  expect(await campaignRules(db, 'a', 1)).toMatchObject({ campaignId: 'a', name: 'a 1' })
  expect(await campaignRules(db, 'a', 3)).toBeUndefined()
})

it('refuses rules that it cannot read', async () => {
  await db.query(`insert into campaign_versions (campaign_id, version, definition)
                  values ('a', 1, '{"id": "a", "name": "A", "currency": "XXY"}')`)
  await expect(campaignRules(db, 'a', 1)).rejects.toMatchObject({
    code: 'invalid_configuration',
    message: expect.stringContaining('currency') as string,
  })
})
