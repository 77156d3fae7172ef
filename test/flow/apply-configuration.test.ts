import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { currentConfiguration } from '../../src/db/configurations.ts'
import { applyConfiguration } from '../../src/flow/apply-configuration.ts'
import {
  aBuyerDocument,
  aCampaignDocument,
  aConfiguration,
  clearConfigurations,
} from '../support/configuration.ts'
import { openTestDatabase } from '../support/database.ts'

const db = await openTestDatabase()

beforeEach(() => clearConfigurations(db))

async function countRows(): Promise<readonly number[]> {
  const { rows } = await db.query<{ revisions: number; versions: number }>(
    `select (select count(*) from configurations) revisions,
            (select count(*) from campaign_versions) versions`,
  )
  return rows.flatMap(({ revisions, versions }) => [revisions, versions])
}

const renamed = aConfiguration({ campaigns: [aCampaignDocument({ name: 'Solar, new' })] })

describe('applyConfiguration', () => {
  it('stores a first document with a first version of each campaign', async () => {
    const applied = await applyConfiguration(db, aConfiguration())

    expect(applied.changes).toEqual([
      'publisher acme-media: added',
      'buyer solar-direct: added',
      'campaign solar: added, version 1',
    ])
    expect(await currentConfiguration(db)).toEqual({
      revision: applied.revision,
      document: aConfiguration().document,
      campaignVersions: new Map([['solar', 1]]),
    })
  })

  it('changes nothing when the same document is applied again', async () => {
    const { revision } = await applyConfiguration(db, aConfiguration())
    expect(await applyConfiguration(db, aConfiguration())).toEqual({ revision, changes: [] })
    expect(await countRows()).toEqual([1, 1])
  })

  it('says what a dry run would do, and does not do it', async () => {
    const { revision } = await applyConfiguration(db, aConfiguration())
    expect(await applyConfiguration(db, renamed, { dryRun: true })).toEqual({
      revision,
      changes: ['campaign solar: version 2'],
    })
    expect(await countRows()).toEqual([1, 1])
  })

  it('makes a new version only of campaigns whose rules differ (B13)', async () => {
    const roof = aCampaignDocument({ id: 'roof', numbers: [] })
    await applyConfiguration(db, aConfiguration({ campaigns: [aCampaignDocument(), roof] }))
    const changed = aConfiguration({
      buyers: [aBuyerDocument({ paused: true })],
      campaigns: [aCampaignDocument(), { ...roof, name: 'Roofs' }],
    })
    const { changes } = await applyConfiguration(db, changed)

    expect(changes).toEqual(['buyer solar-direct: changed', 'campaign roof: version 2'])
    const current = await currentConfiguration(db)
    expect(current?.campaignVersions).toEqual(
      new Map([
        ['solar', 1],
        ['roof', 2],
      ]),
    )
  })

  it('goes on counting versions when a removed campaign comes back', async () => {
    await applyConfiguration(db, aConfiguration())
    const removed = await applyConfiguration(db, aConfiguration({ campaigns: [] }))
    expect(removed.changes).toEqual(['campaign solar: removed'])
    expect(await countRows()).toEqual([2, 1])

    const back = await applyConfiguration(db, renamed)
    expect(back.changes).toEqual(['campaign solar: added, version 2'])
  })

  it('takes up the old version when a removed campaign comes back as it was', async () => {
    await applyConfiguration(db, aConfiguration())
    await applyConfiguration(db, aConfiguration({ campaigns: [] }))
    const back = await applyConfiguration(db, aConfiguration())
    expect(back.changes).toEqual(['campaign solar: added, version 1'])
    expect(await countRows()).toEqual([3, 1])
  })

  it('makes one revision and one version of ten equal documents at once', async () => {
    const applied = await Promise.all(
      Array.from({ length: 10 }, () => applyConfiguration(db, aConfiguration())),
    )
    expect(applied.filter(({ changes }) => changes.length > 0)).toHaveLength(1)
    expect(new Set(applied.map(({ revision }) => revision)).size).toBe(1)
    expect(await countRows()).toEqual([1, 1])
  })

  it('gives different documents at once versions of their own', async () => {
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        applyConfiguration(
          db,
          aConfiguration({ campaigns: [aCampaignDocument({ name: `Solar ${index}` })] }),
        ),
      ),
    )
    const current = await currentConfiguration(db)
    expect(current?.campaignVersions.get('solar')).toBe(10)
    expect(await countRows()).toEqual([10, 10])
  })

  it('stores nothing at all when something fails', async () => {
    const { revision } = await applyConfiguration(db, aConfiguration())
    await db.query(
      `alter table configurations add constraint one_only check (revision <= ${revision})`,
    )
    onTestFinished(async () => {
      await db.query(`alter table configurations drop constraint one_only`)
    })
    await expect(applyConfiguration(db, renamed)).rejects.toThrow(/one_only/)
    expect(await countRows()).toEqual([1, 1])
  })

  it('replaces a stored document that cannot be read', async () => {
    await db.query(`insert into configurations (document) values ('{"campaigns": 5}')`)
    const { changes } = await applyConfiguration(db, aConfiguration())
    expect(changes).toHaveLength(3)
  })
})
