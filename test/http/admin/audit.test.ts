import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { insertApiKey } from '../../../src/db/api-keys.ts'
import { insertAct } from '../../../src/db/audit.ts'
import type { Act, Actor } from '../../../src/domain/audit.ts'
import { openTestDatabase } from '../../support/database.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const ENVIRONMENT: Actor = {
  kind: 'key',
  keyId: undefined,
  name: 'environment',
  source: '127.0.0.1',
}
const KEY_ID = '01a208ff-9396-74d7-b3fe-9c846d10c6a2'
const INES: Actor = { kind: 'key', keyId: KEY_ID, name: 'Ines', source: '203.0.113.7' }
const ROOT: Actor = { kind: 'cli', name: 'root' }
const APPLIED: Act = { what: 'configuration.applied', subject: '7', details: { changes: ['a'] } }
const RESENT: Act = { what: 'deliveries.resent', details: { count: 3 } }

interface ShownAct {
  readonly id: number
  readonly at: string
  readonly who: { readonly name: string }
}

async function openApi() {
  const database = await openTestDatabase()
  const { app } = openTestServer({ database })
  const get = (path: string) =>
    app.inject({ url: `/api/v1${path}`, headers: { authorization: `Bearer ${ADMIN_KEY}` } })
  const hash = Buffer.alloc(32)
  const ines = { keyId: KEY_ID, name: 'Ines', role: 'operator', hash } as const
  await insertApiKey(database, ines, 'environment')
  return { database, get }
}

describe('GET /api/v1/audit', () => {
  it('tells who did what to what, when and from where, latest first', async () => {
    const { database, get } = await openApi()
    await insertAct(database, ENVIRONMENT, APPLIED)
    await insertAct(database, INES, RESENT)
    await insertAct(database, ROOT, APPLIED)
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string
    expect((await get('/audit')).json()).toEqual([
      {
        id: 3,
        at,
        who: { kind: 'cli', id: null, name: 'root' },
        what: 'configuration.applied',
        subject: '7',
        details: { changes: ['a'] },
        source: null,
      },
      {
        id: 2,
        at,
        who: { kind: 'key', id: KEY_ID, name: 'Ines' },
        what: 'deliveries.resent',
        subject: null,
        details: { count: 3 },
        source: '203.0.113.7',
      },
      {
        id: 1,
        at,
        who: { kind: 'key', id: 'environment', name: 'environment' },
        what: 'configuration.applied',
        subject: '7',
        details: { changes: ['a'] },
        source: '127.0.0.1',
      },
    ])
  })

  it.each([
    ['who=Ines', [2]],
    [`who=${KEY_ID.toUpperCase()}`, [2]],
    ['who=environment', [1]],
    ['who=cli', [3]],
    ['who=root', [3]],
    ['who=nobody', []],
    ['what=configuration.applied', [3, 1]],
    ['what=configuration.applied&who=cli', [3]],
    ['created_from=2100-01-01', []],
    ['created_to=2000-01-01', []],
    ['created_from=2000-01-01&created_to=2100-01-01', [3, 2, 1]],
  ])('takes %s as %j', async (query, expected) => {
    const { database, get } = await openApi()
    for (const [actor, act] of [
      [ENVIRONMENT, APPLIED],
      [INES, RESENT],
      [ROOT, APPLIED],
    ] as const)
      await insertAct(database, actor, act)
    const acts = (await get(`/audit?${query}`)).json<ShownAct[]>()
    expect(acts.map(({ id }) => id)).toEqual(expected)
  })

  it('begins with the very instant that is asked for, and ends before the other', async () => {
    const { database, get } = await openApi()
    const [before, at, after] = ['12:00:00.122Z', '12:00:00.123Z', '12:00:00.124Z'].map(
      (time) => `2026-03-01T${time}`,
    )
    await database.query(
      `insert into audit (at, by, who, what, details) values ($1, 'cli', 'root', 'x', '{}')`,
      [at],
    )
    const count = async (query: string) => (await get(`/audit?${query}`)).json<[]>().length
    expect(await count(`created_from=${at}&created_to=${after}`)).toBe(1)
    expect(await count(`created_from=${after}`)).toBe(0)
    expect(await count(`created_from=${before}&created_to=${at}`)).toBe(0)
  })

  it('gives pages, whatever is added meanwhile', async () => {
    const { database, get } = await openApi()
    for (let count = 0; count < 5; count++) await insertAct(database, ROOT, RESENT)
    const ids: number[] = []
    let path = '/audit?limit=2&who=root'
    while (path !== '' && ids.length < 10) {
      const response = await get(path)
      ids.push(...response.json<ShownAct[]>().map(({ id }) => id))
      path = /<\/api\/v1(.*)>; rel="next"/.exec(String(response.headers.link))?.[1] ?? ''
      await insertAct(database, ROOT, APPLIED)
    }
    expect(ids).toEqual([5, 4, 3, 2, 1])
  })

  it.each(['what=anything', 'created_from=yesterday', 'before=x', 'limit=201', 'x=1'])(
    'refuses %s',
    async (query) => {
      const { get } = await openApi()
      expect((await get(`/audit?${query}`)).json()).toMatchObject({ code: 'invalid_query' })
    },
  )
})

describe('the record', () => {
  it.each([
    "update audit set who = 'somebody else'",
    'delete from audit',
    'truncate audit',
    'truncate api_keys, audit',
  ])('refuses: %s', async (statement) => {
    const { database } = await openApi()
    await insertAct(database, ROOT, APPLIED)
    await expect(database.query(statement)).rejects.toThrow('append-only')
  })

  it('names only keys that there are', async () => {
    const { database } = await openApi()
    const stranger: Actor = { ...INES, keyId: randomUUID() }
    await expect(insertAct(database, stranger, APPLIED)).rejects.toThrow('audit_key_id_fkey')
  })
})
