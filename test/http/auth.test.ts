import { describe, expect, it } from 'vitest'
import { makeApiKey } from '../../src/http/api-key-text.ts'
import { ADMIN_KEY, openTestServer } from './support/server.ts'

describe('the key of the environment', () => {
  it.each([
    ['no header', undefined],
    ['another key', 'Bearer another'],
    ['the beginning of the key', `Bearer ${ADMIN_KEY.slice(0, -1)}`],
    ['more than the key', `Bearer ${ADMIN_KEY}x`],
    ['another scheme', `Basic ${ADMIN_KEY}`],
    ['the key alone', ADMIN_KEY],
    ['an empty key', 'Bearer '],
  ])('refuses %s', async (_name, authorization) => {
    const { app } = openTestServer()
    const headers = authorization === undefined ? {} : { authorization }
    const response = await app.inject({ url: '/api/v1/calls', headers })
    expect(response.statusCode).toBe(401)
    expect(response.headers['www-authenticate']).toBe('Bearer')
    expect(response.json()).toMatchObject({ code: 'unauthorised', status: 401 })
  })

  it.each([`Bearer ${ADMIN_KEY}`, `bearer  ${ADMIN_KEY}`])(
    'lets %o through',
    async (authorization) => {
      const { app } = openTestServer()
      const url = '/api/v1/calls?state=unknown'
      const response = await app.inject({ url, headers: { authorization } })
      expect(response.json()).toMatchObject({ code: 'invalid_query' })
    },
  )

  it('never shows up in the log', async () => {
    const { app, logLines } = openTestServer()
    await app.inject({ url: '/api/v1/calls', headers: { authorization: `Bearer ${ADMIN_KEY}` } })
    expect(logLines.join('')).not.toContain(ADMIN_KEY)
  })
})

describe('while the database is away', () => {
  const away = (): Promise<never> =>
    Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
  const database = { query: away, transaction: away, close: () => Promise.resolve() }
  const ask = (key: string) =>
    openTestServer({ database }).app.inject({
      url: '/api/v1/wizard/buyer-urls?base_url=https://crm.example/p&tokens=id:call_uuid',
      headers: { authorization: `Bearer ${key}` },
    })

  it('the key of the environment is known', async () => {
    expect((await ask(ADMIN_KEY)).statusCode).toBe(200)
  })

  it('another key is neither taken nor called wrong', async () => {
    const response = await ask(makeApiKey())
    expect([response.statusCode, response.json()]).toMatchObject([503, { code: 'unavailable' }])
    expect(response.headers['retry-after']).toBe('5')
  })
})
