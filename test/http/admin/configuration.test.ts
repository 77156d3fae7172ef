import { parse, stringify } from 'yaml'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  aBuyerDocument,
  aConfigurationDocument,
  clearConfigurations,
} from '../../support/configuration.ts'
import { openTestDatabase } from '../../support/database.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const authorization = `Bearer ${ADMIN_KEY}`
const url = '/api/v1/configuration'
const JSON_TYPE = 'application/json'
const YAML_TYPE = 'application/yaml'
const document = aConfigurationDocument()

const database = await openTestDatabase()
beforeEach(() => clearConfigurations(database))

function openApi() {
  let refreshed = 0
  const { app } = openTestServer({
    database,
    refreshConfiguration: async () => void (refreshed += 1),
    checkUrl: (url) => (url.includes('127.0.0.1') ? 'is private' : undefined),
  })
  const put = (payload: string, contentType = JSON_TYPE, query = '') =>
    app.inject({
      method: 'PUT',
      url: url + query,
      headers: { authorization, 'content-type': contentType },
      payload,
    })
  const get = (accept = '*/*', more: Readonly<Record<string, string>> = {}) =>
    app.inject({ url, headers: { authorization, accept, ...more } })
  return { put, get, refreshed: () => refreshed }
}

describe('PUT /api/v1/configuration', () => {
  it.each([
    [JSON_TYPE, JSON.stringify(document)],
    [YAML_TYPE, stringify(document)],
    ['application/yaml; charset=utf-8', stringify(document)],
  ])('applies a document of %s and says what changed', async (contentType, payload) => {
    const { put, get, refreshed } = openApi()
    const response = await put(payload, contentType)
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({
      revision: expect.any(Number) as number,
      dry_run: false,
      changes: [
        'publisher acme-media: added',
        'buyer solar-direct: added',
        'campaign solar: added, version 1',
      ],
      warnings: [],
    })
    expect((await get()).json()).toEqual(document)
    expect(refreshed()).toBe(1)
  })

  it('changes nothing when it is sent again', async () => {
    const { put } = openApi()
    const { revision } = (await put(JSON.stringify(document))).json<{ revision: number }>()
    expect((await put(JSON.stringify(document))).json()).toMatchObject({ revision, changes: [] })
  })

  it('only says what would change in a dry run', async () => {
    const { put, get, refreshed } = openApi()
    const response = await put(JSON.stringify(document), JSON_TYPE, '?dry_run=true')
    expect(response.json()).toMatchObject({ revision: 0, dry_run: true })
    expect(response.json<{ changes: string[] }>().changes).toHaveLength(3)
    expect((await get()).json()).toEqual({})
    expect(refreshed()).toBe(0)
  })

  it('shows in a dry run every tracking URL as a made-up call would fill it in (B3)', async () => {
    const { put } = openApi()
    const urls = [
      { id: 'ping', trigger: 'bridged', url: 'https://crm.example/p?id=[call_uuid]&amt=[payout]' },
      { id: 'sale', trigger: 'converted', url: 'https://tracker.example/s?amt=[payout]' },
    ]
    const [campaign] = document.campaigns ?? []
    const tried = { ...document, campaigns: [{ ...campaign, tracking_urls: urls }] }
    const response = await put(JSON.stringify(tried), JSON_TYPE, '?dry_run=true')
    expect(response.json<{ tracking_urls: unknown }>().tracking_urls).toEqual([
      {
        id: 'ping',
        campaign_id: 'solar',
        trigger: 'bridged',
        method: 'HEAD',
        url: 'https://crm.example/p?id=00000000-0000-7000-8000-000000000000&amt=',
        warnings: ['[payout] is empty at bridged: give it a default, as in [payout]{none}'],
      },
      {
        id: 'sale',
        campaign_id: 'solar',
        trigger: 'converted',
        method: 'GET',
        url: 'https://tracker.example/s?amt=8.00',
        warnings: [],
      },
    ])
    const applied = await put(JSON.stringify(tried))
    expect(applied.statusCode).toBe(200)
    expect(applied.json()).not.toHaveProperty('tracking_urls')
  })

  it('names every problem with its place and applies nothing', async () => {
    const { put, get, refreshed } = openApi()
    const bad = aConfigurationDocument({
      buyers: [aBuyerDocument({ endpoint: 'mailto:a@b' }), aBuyerDocument({ id: 'NO' })],
    })
    const response = await put(JSON.stringify(bad))
    expect(response.statusCode).toBe(422)
    const { code, problems } = response.json<{ code: string; problems: { path: string }[] }>()
    expect(code).toBe('invalid_configuration')
    expect(problems.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['buyers[0].endpoint', 'buyers[1].id']),
    )
    expect((await get()).json()).toEqual({})
    expect(refreshed()).toBe(0)
  })

  it('asks whether a tracking URL may be reached', async () => {
    const { put } = openApi()
    const payload = JSON.stringify(document).replaceAll('tracker.example', '127.0.0.1')
    expect((await put(payload)).statusCode).toBe(422)
  })

  it.each([
    ['JSON that ends early', JSON_TYPE, '{"publishers":', 400, 'malformed_body'],
    ['an empty body', JSON_TYPE, '', 400, 'malformed_body'],
    ['YAML with a bad indent', YAML_TYPE, 'a:\n b: 1\n  c: 2\n', 400, 'malformed_body'],
    ['a YAML name given twice', YAML_TYPE, 'buyers: []\nbuyers: []\n', 400, 'malformed_body'],
    ['an alias without anchor', YAML_TYPE, 'buyers: *nobody\n', 400, 'malformed_body'],
    ['another content type', 'text/plain', 'a', 415, 'unsupported_media_type'],
    ['a list', JSON_TYPE, '[]', 422, 'invalid_configuration'],
    ['a text', YAML_TYPE, 'hello', 422, 'invalid_configuration'],
    [
      'names that objects have',
      YAML_TYPE,
      '__proto__: {admin: true}',
      422,
      'invalid_configuration',
    ],
    ['5 MB', JSON_TYPE, `"${'x'.repeat(5_000_000)}"`, 413, 'body_too_large'],
  ])('refuses %s', async (_name, contentType, payload, status, code) => {
    const { put } = openApi()
    const response = await put(payload, contentType)
    expect([response.statusCode, response.json()]).toMatchObject([status, { code }])
  })

  /** A document of so many numbers, each 52 bytes of YAML. */
  const large = (count: number) => {
    const number = (index: number) => `+1800${String(5_550_000 + index).padStart(7, '0')}`
    const numbers = Array.from({ length: count }, (_, index) => ({
      number: number(index),
      publisher: 'acme-media',
    }))
    return { ...document, campaigns: document.campaigns?.map((each) => ({ ...each, numbers })) }
  }

  it('takes a large document as JSON, and says so of one in YAML', async () => {
    const { put, get } = openApi()
    const response = await put(stringify(large(6_000)), YAML_TYPE)
    expect([response.statusCode, response.json()]).toMatchObject([
      413,
      {
        code: 'body_too_large',
        detail: 'YAML of more than 256 KiB is not taken: send the document as JSON.',
      },
    ])

    expect((await put(JSON.stringify(large(6_000)))).statusCode).toBe(200)
    const shown = await get(YAML_TYPE)
    expect(shown.headers['content-type']).toContain(JSON_TYPE)
    expect(parse(shown.body)).toEqual(large(6_000))
  })

  it('says where YAML is malformed', async () => {
    const { put } = openApi()
    const response = await put('buyers:\n  - id: [\n', YAML_TYPE)
    expect(response.json()).toMatchObject({
      code: 'malformed_body',
      line: expect.any(Number) as number,
    })
  })

  it('refuses YAML whose aliases multiply', async () => {
    const { put } = openApi()
    const lists = 'bcdefghi'.split('').map((name, index) => {
      const before = 'abcdefghi'[index] ?? ''
      return `${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]`
    })
    const response = await put(['a: &a [x,x,x,x,x,x,x,x,x]', ...lists].join('\n'), YAML_TYPE)
    expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'malformed_body' }])
  })

  it('refuses a parameter it does not know', async () => {
    const { put } = openApi()
    const response = await put(JSON.stringify(document), JSON_TYPE, '?dryrun=true')
    expect(response.json()).toMatchObject({ code: 'invalid_query' })
  })
})

describe('GET /api/v1/configuration', () => {
  it('gives the document in YAML to who wants that, and it can be put back', async () => {
    const { put, get } = openApi()
    const { revision } = (await put(JSON.stringify(document))).json<{ revision: number }>()
    const response = await get(YAML_TYPE)
    expect(response.headers['content-type']).toContain(YAML_TYPE)
    expect(response.headers.etag).toBe(`"${revision}"`)
    expect(parse(response.body)).toEqual(document)
    expect((await put(response.body, YAML_TYPE)).json()).toMatchObject({ changes: [] })
  })

  it('gives nothing to who has the revision in force already (RFC 9110 §13.1.2)', async () => {
    const { put, get } = openApi()
    await put(JSON.stringify(document))
    const { etag = '' } = (await get()).headers
    const status = async (given: string) =>
      (await get(undefined, { 'if-none-match': given })).statusCode
    expect(await status(etag)).toBe(304)
    expect(await status(`"other", W/${etag}`)).toBe(304)
    expect(await status('"other"')).toBe(200)
  })

  it('gives an empty document before there was one', async () => {
    const { get } = openApi()
    expect([(await get()).json(), (await get()).headers.etag]).toEqual([{}, '"0"'])
  })
})
