import { describe, expect, it } from 'vitest'
import { currentRevision } from '../../../src/db/configurations.ts'
import type { ActName } from '../../../src/domain/audit.ts'
import { deliveryId } from '../../../src/domain/delivery.ts'
import type { RunTrial } from '../../../src/domain/delivery-trial.ts'
import { ROLE_NEEDED } from '../../../src/http/admin/roles.ts'
import { finish } from '../../../src/db/finished-attempts.ts'
import { attempted, claim } from '../../delivery/support/lanes.ts'
import { aDelivery, insertCalls, queue, readLanes } from '../../delivery/support/outbox.ts'
import { aCampaignDocument, aConfigurationDocument } from '../../support/configuration.ts'
import { openTestDatabase, type TestDatabase } from '../../support/database.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** An API whose operator is Ines, and nobody else. */
async function openApi() {
  const database = await openTestDatabase()
  const tried: string[] = []
  const runTrial: RunTrial = ({ url }) => {
    tried.push(url)
    return Promise.resolve({
      outcome: 'delivered',
      reason: undefined,
      durationMs: 1,
      exchanges: [],
    })
  }
  const { app } = openTestServer({ database, runTrial })
  const send =
    (key: string) =>
    (method: Method, path: string, payload?: object, more?: Readonly<Record<string, string>>) =>
      app.inject({
        method,
        url: `/api/v1${path}`,
        headers: { authorization: `Bearer ${key}`, ...more },
        remoteAddress: '::ffff:203.0.113.7',
        ...(payload && { payload }),
      })
  const body = { name: 'Ines', role: 'administrator' }
  const created = await send(ADMIN_KEY)('POST', '/api-keys', body)
  const { id, key } = created.json<{ id: string; key: string }>()
  return { database, tried, id, ask: send(key) }
}

interface Recorded {
  readonly who: { readonly name: string }
  readonly what: string
  readonly subject: string | null
  readonly details: object
}

/** What Ines has done, in the order in which she did it. */
async function actsOf({ ask }: Awaited<ReturnType<typeof openApi>>) {
  const acts = (await ask('GET', '/audit?who=Ines')).json<Recorded[]>()
  return acts.map(({ what, subject, details }) => ({ what, subject, details })).toReversed()
}

/** Calls whose deliveries were given up. */
async function failedDeliveries(database: TestDatabase, count: number) {
  const callUuids = await insertCalls(database, count)
  await queue(
    database,
    callUuids.map((callUuid) => aDelivery(callUuid)),
  )
  const claimed = await claim(database, { perHostMax: 1_000, limit: 1_000 })
  await finish(
    database,
    claimed.map((one) => attempted(one, { kind: 'done', state: 'failed' })),
  )
  return callUuids.map((callUuid) => deliveryId({ callUuid, trackingUrlId: 'ping', occurrence: 0 }))
}

/** The act of every route that changes something or shows what is secret. */
const ACT_OF: Readonly<Record<string, ActName>> = {
  'GET /configuration': 'configuration.read',
  'PUT /configuration': 'configuration.applied',
  'POST /api-keys': 'api_key.created',
  'DELETE /api-keys/:id': 'api_key.revoked',
  'POST /deliveries/:id/resend': 'delivery.resent',
  'POST /deliveries/resend': 'deliveries.resent',
  'POST /tracking-urls/:id/test': 'tracking_url.tested',
}
const CHANGES_NOTHING = new Set(['POST /tracking-urls/preview'])
const SHOWS_SECRETS = new Set(['GET /configuration'])

describe('the record', () => {
  it('knows every route that is there to change something, or shows what is secret', () => {
    const recorded = Object.keys(ROLE_NEEDED).filter(
      (route) =>
        SHOWS_SECRETS.has(route) || !(route.startsWith('GET ') || CHANGES_NOTHING.has(route)),
    )
    expect(recorded.toSorted()).toEqual(Object.keys(ACT_OF).toSorted())
  })

  it('says who did it, with which key and from where', async () => {
    const { ask, id } = await openApi()
    await ask('PUT', '/configuration', aConfigurationDocument())
    expect((await ask('GET', '/audit')).json()).toMatchObject([
      { who: { kind: 'key', id, name: 'Ines' }, source: '203.0.113.7' },
      { who: { kind: 'key', id: 'environment', name: 'environment' }, what: 'api_key.created' },
    ])
  })

  it('has every configuration that changed something, and what it changed', async () => {
    const api = await openApi()
    const { revision } = (await api.ask('PUT', '/configuration', aConfigurationDocument())).json<{
      revision: number
    }>()
    await api.ask('PUT', '/configuration', aConfigurationDocument())
    await api.ask('PUT', '/configuration?dry_run=true', {})
    await api.ask('PUT', '/configuration', { buyers: 'none' })
    expect(await actsOf(api)).toEqual([
      {
        what: 'configuration.applied',
        subject: String(revision),
        details: {
          changes: [
            'publisher acme-media: added',
            'buyer solar-direct: added',
            'campaign solar: added, version 1',
          ],
        },
      },
    ])
  })

  it('has every reading of the whole configuration, and none where nothing was shown', async () => {
    const api = await openApi()
    await api.ask('GET', '/configuration')
    const { revision } = (await api.ask('PUT', '/configuration', aConfigurationDocument())).json<{
      revision: number
    }>()
    await api.ask('GET', '/configuration')
    await api.ask('GET', '/configuration', undefined, { accept: 'application/yaml' })
    await api.ask('GET', '/configuration', undefined, { 'if-none-match': `"${revision}"` })
    await api.ask('GET', '/buyers')
    const read = { what: 'configuration.read', subject: String(revision), details: {} }
    expect((await actsOf(api)).slice(1)).toEqual([read, read])
  })

  it('has every key that was made and revoked, once', async () => {
    const api = await openApi()
    const created = await api.ask('POST', '/api-keys', { name: 'ci', role: 'viewer' })
    const { id, key } = created.json<{ id: string; key: string }>()
    await api.ask('DELETE', `/api-keys/${id}`)
    await api.ask('DELETE', `/api-keys/${id}`)
    const acts = await actsOf(api)
    const details = { name: 'ci', role: 'viewer' }
    expect(acts).toEqual([
      { what: 'api_key.created', subject: id, details },
      { what: 'api_key.revoked', subject: id, details },
    ])
    expect(JSON.stringify(acts)).not.toContain(key)
  })

  it('has every delivery that was sent again by itself', async () => {
    const api = await openApi()
    const [id = ''] = await failedDeliveries(api.database, 1)
    await api.ask('POST', `/deliveries/${id}/resend`)
    await api.ask('POST', `/deliveries/${id}/resend`)
    await api.ask('POST', `/deliveries/${'0'.repeat(32)}_ping_0/resend`)
    expect(await actsOf(api)).toEqual([
      { what: 'delivery.resent', subject: id, details: { result: 'queued_again' } },
      { what: 'delivery.resent', subject: id, details: { result: 'hurried' } },
    ])
  })

  it('has what was sent again of a range, by transaction', async () => {
    const api = await openApi()
    await failedDeliveries(api.database, 700)
    await api.ask('POST', '/deliveries/resend?created_from=2026-01-01&dry_run=true')
    await api.ask('POST', '/deliveries/resend?created_from=2026-01-01&campaign=solar')
    await api.ask('POST', '/deliveries/resend?created_from=2026-01-01')
    const asked = { state: 'failed', created_from: '2026-01-01T00:00:00.000Z', campaign: 'solar' }
    expect(await actsOf(api)).toEqual([
      { what: 'deliveries.resent', subject: null, details: { ...asked, count: 500 } },
      { what: 'deliveries.resent', subject: null, details: { ...asked, count: 200 } },
    ])
  })

  it('has every trial of a tracking URL, without what is secret in it', async () => {
    const api = await openApi()
    const url = 'https://tracker.example/p?password=hunter2'
    const campaign = aCampaignDocument({
      tracking_urls: [{ id: 'sale', trigger: 'converted', url }],
    })
    await api.ask('PUT', '/configuration', aConfigurationDocument({ campaigns: [campaign] }))
    await api.ask('POST', '/tracking-urls/sale/test')
    await api.ask('POST', '/tracking-urls/other/test')
    expect(api.tried).toHaveLength(1)
    expect((await actsOf(api)).slice(1)).toEqual([
      {
        what: 'tracking_url.tested',
        subject: 'sale',
        details: { campaign_id: 'solar', trigger: 'converted', method: 'GET' },
      },
    ])
  })
})

describe('what cannot be put on record', () => {
  /** An API on a database that takes no more acts. */
  async function openWithoutRecord() {
    const api = await openApi()
    await api.ask('PUT', '/configuration', aConfigurationDocument())
    const [id = ''] = await failedDeliveries(api.database, 2)
    const revision = await currentRevision(api.database)
    await api.database.query('alter table audit add constraint no_more check (false) not valid')
    return { ...api, deliveryId: id, revision }
  }

  it('is not done', async () => {
    const { database, ask, tried, ...api } = await openWithoutRecord()
    const answers = [
      await ask('GET', '/configuration'),
      await ask('PUT', '/configuration', {}),
      await ask('POST', '/api-keys', { name: 'ci', role: 'viewer' }),
      await ask('DELETE', `/api-keys/${api.id}`),
      await ask('POST', `/deliveries/${api.deliveryId}/resend`),
      await ask('POST', '/deliveries/resend?created_from=2026-01-01'),
      await ask('POST', '/tracking-urls/sale/test'),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 500))
    expect(await currentRevision(database)).toBe(api.revision)
    expect((await ask('GET', '/api-keys')).json()).toMatchObject([
      { name: 'environment' },
      { name: 'Ines', revoked_at: null },
    ])
    expect(await readLanes(database)).toEqual([])
    expect(tried).toEqual([])
  })
})
