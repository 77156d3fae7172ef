import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Database } from '../../src/db/queryable.ts'
import { applyConfiguration } from '../../src/flow/apply-configuration.ts'
import {
  type ConfigurationViewOptions,
  startConfigurationView,
} from '../../src/flow/configuration-view.ts'
import {
  aBuyerDocument,
  aCampaignDocument,
  aConfiguration,
  clearConfigurations,
} from '../support/configuration.ts'
import { openTestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

const database = await openTestDatabase()

beforeEach(() => clearConfigurations(database))

const NEVER_MS = 3_600_000

async function openView(database: Database, options: ConfigurationViewOptions = {}) {
  const view = await startConfigurationView(database, { pollMs: NEVER_MS, ...options })
  onTestFinished(view.close)
  return view
}

/** The database, counting what it is asked and failing while it is told to. */
function watch() {
  const watched = { statements: [] as string[], isAway: false }
  const query: Database['query'] = (statement, values) => {
    if (watched.isAway) return Promise.reject(new Error('away'))
    watched.statements.push(typeof statement === 'string' ? statement : statement.name)
    return database.query(statement, values)
  }
  return { watched, unreliable: { ...database, query } }
}

describe('startConfigurationView', () => {
  it('is empty before anything was applied', async () => {
    const view = await openView(database)
    expect(view.current()).toMatchObject({ revision: 0, trunks: [] })
    expect(view.current().findNumber('+18005550100')).toBeUndefined()
  })

  it('finds campaign, version, publisher and buyer of a number', async () => {
    await applyConfiguration(database, aConfiguration())
    const { current } = await openView(database)

    expect(current().findNumber('+18005550100')).toMatchObject({
      campaign: { campaignId: 'solar', currency: 'USD' },
      version: 1,
      publisher: { name: 'Acme Media' },
      number: { subId: undefined },
    })
    expect(current().findNumber('18005550100')).toBeUndefined()
    expect(current().buyer('solar-direct')?.ringTimeoutMs).toBe(25_000)
    expect(current().publisher('acme-media')?.name).toBe('Acme Media')
    expect(current().campaign('solar')?.name).toBe('Solar leads')
    expect(current().buyer('toString')).toBeUndefined()
  })

  it('sees what was applied before a refresh, under its new version', async () => {
    await applyConfiguration(database, aConfiguration())
    const seen: number[] = []
    const view = await openView(database, { onChange: ({ revision }) => seen.push(revision) })
    const renamed = aConfiguration({ campaigns: [aCampaignDocument({ name: 'Solar, new' })] })
    const { revision } = await applyConfiguration(database, renamed)

    expect(view.current().findNumber('+18005550100')?.version).toBe(1)
    await view.refresh()
    expect(view.current().findNumber('+18005550100')).toMatchObject({
      version: 2,
      campaign: { name: 'Solar, new' },
    })
    await view.refresh()
    expect(seen).toEqual([revision])
  })

  it('sees by itself what another process applies', async () => {
    const view = await openView(database, { pollMs: 5 })
    await applyConfiguration(database, aConfiguration())
    await waitFor(() => view.current().buyer('solar-direct'), { what: 'the applied buyer' })
  })

  it('keeps the last good configuration when the stored one cannot be read', async () => {
    await applyConfiguration(database, aConfiguration())
    const logged: string[] = []
    const view = await openView(database, { log: (event) => logged.push(event) })
    await database.query(`insert into configurations (document) values ('{"buyers": 5}')`)
    await view.refresh()
    await view.refresh()

    expect(view.current().buyer('solar-direct')).toBeDefined()
    expect(logged).toEqual(['configuration.unreadable'])

    await applyConfiguration(database, aConfiguration({ buyers: [aBuyerDocument({ name: 'B' })] }))
    await view.refresh()
    expect(view.current().buyer('solar-direct')?.name).toBe('B')
  })

  it('starts empty when the stored document cannot be read', async () => {
    await database.query(`insert into configurations (document) values ('[]')`)
    const view = await openView(database)
    expect(view.current().configuration.buyers).toEqual([])
  })

  it('keeps the configuration while the database is away, says so once, and goes on', async () => {
    await applyConfiguration(database, aConfiguration())
    const { watched, unreliable } = watch()
    const logged: string[] = []
    const view = await openView(unreliable, { pollMs: 2, log: (event) => logged.push(event) })
    watched.isAway = true
    await waitFor(() => logged.length === 1, { what: 'the log line' })
    await expect(view.refresh()).rejects.toThrow('away')
    await expect(view.refresh()).rejects.toThrow('away')
    expect(view.current().buyer('solar-direct')).toBeDefined()

    await applyConfiguration(database, aConfiguration({ buyers: [aBuyerDocument({ name: 'B' })] }))
    watched.isAway = false
    await waitFor(() => view.current().buyer('solar-direct')?.name === 'B', { what: 'the change' })
    expect(logged).toEqual(['configuration.not_followed'])
  })

  it('does not start while the database is away', async () => {
    const { watched, unreliable } = watch()
    watched.isAway = true
    await expect(startConfigurationView(unreliable)).rejects.toThrow('away')
  })

  it('asks nothing more once it is closed', async () => {
    const { watched, unreliable } = watch()
    const view = await startConfigurationView(unreliable, { pollMs: 1 })
    await waitFor(() => watched.statements.length > 3, { what: 'a few looks' })
    await view.close()
    const asked = watched.statements.length
    const { watched: later, unreliable: other } = watch()
    await openView(other, { pollMs: 1 })
    await waitFor(() => later.statements.length > 10, { what: 'a view that goes on' })
    expect(watched.statements).toHaveLength(asked)
    await view.close()
  })
})

describe('campaignRules', () => {
  it('gives the rules of an old version, asking the database once (B13)', async () => {
    await applyConfiguration(database, aConfiguration())
    await applyConfiguration(
      database,
      aConfiguration({ campaigns: [aCampaignDocument({ name: 'Solar, new' })] }),
    )
    const { watched, unreliable } = watch()
    const view = await openView(unreliable)

    const [first, again] = await Promise.all([
      view.campaignRules('solar', 1),
      view.campaignRules('solar', 1),
    ])
    expect(first.name).toBe('Solar leads')
    expect(again).toBe(first)
    expect((await view.campaignRules('solar', 2)).name).toBe('Solar, new')
    expect(watched.statements.filter((name) => name === 'campaign-rules')).toHaveLength(2)
  })

  it('names a version that never was', async () => {
    const view = await openView(database)
    await expect(view.campaignRules('solar', 9)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('does not keep a failure', async () => {
    await applyConfiguration(database, aConfiguration())
    const { watched, unreliable } = watch()
    const view = await openView(unreliable)
    watched.isAway = true
    await expect(view.campaignRules('solar', 1)).rejects.toThrow('away')
    watched.isAway = false
    expect((await view.campaignRules('solar', 1)).campaignId).toBe('solar')
  })
})
