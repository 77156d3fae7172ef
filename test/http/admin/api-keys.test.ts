import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../support/database.ts'
import { waitFor } from '../../support/wait.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

interface ShownKey {
  readonly id: string
  readonly name: string
  readonly key: string
}

async function openApi() {
  const database = await openTestDatabase()
  const { app, logLines } = openTestServer({ database })
  const ask = (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    payload?: object,
    key = ADMIN_KEY,
  ) =>
    app.inject({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${key}` },
      ...(payload && { payload }),
    })
  const create = async (name = 'ci', role = 'viewer', key = ADMIN_KEY) =>
    (await ask('POST', '/api-keys', { name, role }, key)).json<ShownKey>()
  return { database, logLines, ask, create }
}

const INSTANT = /^\d{4}-\d\d-\d\dT/

describe('POST /api/v1/api-keys', () => {
  it('makes a key that works at once, and shows it this once', async () => {
    const { database, logLines, ask } = await openApi()
    const response = await ask('POST', '/api-keys', { name: 'ci', role: 'viewer' })
    expect(response.statusCode).toBe(201)
    const { key, ...shown } = response.json<ShownKey>()
    expect(shown).toEqual({
      id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7/) as string,
      name: 'ci',
      role: 'viewer',
      created_at: expect.stringMatching(INSTANT) as string,
      created_by: 'environment',
      last_used_at: null,
      revoked_at: null,
    })
    expect(key).toMatch(/^bb_[\w-]{43}$/)
    expect((await ask('GET', '/calls', undefined, key)).statusCode).toBe(200)

    expect((await ask('GET', '/api-keys')).body).not.toContain(key)
    const { rows } = await database.query('select * from api_keys')
    expect(JSON.stringify(rows)).not.toContain(key)
    expect(logLines.join('')).not.toContain(key)
  })

  it.each([
    [{ name: 'ci' }, 'role'],
    [{ name: 'ci', role: 'root' }, 'role'],
    [{ name: '', role: 'viewer' }, 'name'],
    [{ name: 'environment', role: 'viewer' }, 'name'],
    [{ name: 'ci', role: 'viewer', key: 'of my own' }, ''],
  ])('refuses %j and names what is wrong', async (payload, path) => {
    const { ask } = await openApi()
    const response = await ask('POST', '/api-keys', payload)
    expect([response.statusCode, response.json()]).toMatchObject([
      400,
      { code: 'malformed_body', problems: [{ path }] },
    ])
  })

  it('makes no more than 500 that are live, also when many are asked for at once', async () => {
    const { database, ask } = await openApi()
    await database.query(
      `insert into api_keys (key_id, name, role, hash, created_by)
       select gen_random_uuid(), 'old', 'viewer', sha256(number::text::bytea), 'environment'
         from generate_series(1, 495) number`,
    )
    const payload = { name: 'ci', role: 'viewer' }
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask('POST', '/api-keys', payload)),
    )
    expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(5)
    const [refused] = answers.filter(({ statusCode }) => statusCode !== 201)
    expect([refused?.statusCode, refused?.json()]).toMatchObject([409, { code: 'too_many_keys' }])
  })
})

describe('GET /api/v1/api-keys', () => {
  it('lists the key of the environment, then the others, latest first', async () => {
    const { ask, create } = await openApi()
    const admin = await create('Ines', 'administrator')
    await create('ci', 'operator', admin.key)
    const list = (await ask('GET', '/api-keys')).json<object[]>()
    expect(list).toMatchObject([
      { id: 'environment', name: 'environment', role: 'administrator', created_at: null },
      { name: 'ci', role: 'operator', created_by: 'Ines', revoked_at: null },
      { name: 'Ines', role: 'administrator', created_by: 'environment' },
    ])
  })

  it('gives pages, and only live or revoked ones to who wants that', async () => {
    const { ask, create } = await openApi()
    const keys = [await create('a'), await create('b'), await create('c')]
    await ask('DELETE', `/api-keys/${keys[1]?.id}`)
    const names = (response: { json: () => unknown }) =>
      (response.json() as ShownKey[]).map(({ name }) => name)
    const first = await ask('GET', '/api-keys?limit=2')
    expect(names(first)).toEqual(['environment', 'c', 'b'])
    const [, next = ''] = /<\/api\/v1(.*)>; rel="next"/.exec(String(first.headers.link)) ?? []
    const second = await ask('GET', next)
    expect([names(second), second.headers.link]).toEqual([['a'], undefined])
    expect(names(await ask('GET', '/api-keys?state=live'))).toEqual(['environment', 'c', 'a'])
    expect(names(await ask('GET', '/api-keys?state=revoked'))).toEqual(['b'])
  })

  it.each(['state=old', 'before=1', 'limit=0', 'x=1'])('refuses %s', async (query) => {
    const { ask } = await openApi()
    expect((await ask('GET', `/api-keys?${query}`)).json()).toMatchObject({ code: 'invalid_query' })
  })
})

describe('DELETE /api/v1/api-keys/{id}', () => {
  it('revokes a key within a second, and says the same when asked again', async () => {
    const { ask, create } = await openApi()
    const { id, key } = await create()
    expect((await ask('GET', '/calls', undefined, key)).statusCode).toBe(200)
    const response = await ask('DELETE', `/api-keys/${id}`)
    const revokedAtMs = performance.now()
    expect(response.json()).toMatchObject({
      id,
      revoked_at: expect.stringMatching(INSTANT) as string,
    })
    await waitFor(async () => (await ask('GET', '/calls', undefined, key)).statusCode === 401, {
      what: 'the key to be refused',
    })
    expect(performance.now() - revokedAtMs).toBeLessThan(1_000)
    expect((await ask('DELETE', `/api-keys/${id}`)).json()).toEqual(response.json())
  })

  it('leaves the key of the environment', async () => {
    const { ask } = await openApi()
    const response = await ask('DELETE', '/api-keys/environment')
    expect([response.statusCode, response.json()]).toMatchObject([409, { code: 'environment_key' }])
    expect((await ask('GET', '/api-keys')).statusCode).toBe(200)
  })

  it.each([randomUUID(), 'x'])('has nothing at %s', async (id) => {
    const { ask } = await openApi()
    expect((await ask('DELETE', `/api-keys/${id}`)).statusCode).toBe(404)
  })
})

describe('the table of keys', () => {
  it.each([
    ["update api_keys set role = 'administrator'", 'be changed'],
    ["update api_keys set hash = sha256('a')", 'be changed'],
    ['update api_keys set revoked_at = null', 'be changed'],
    ['delete from api_keys', 'append-only'],
    ['truncate api_keys cascade', 'append-only'],
  ])('refuses: %s', async (statement, message) => {
    const { database, ask, create } = await openApi()
    await ask('DELETE', `/api-keys/${(await create()).id}`)
    await expect(database.query(statement)).rejects.toThrow(message)
  })
})
