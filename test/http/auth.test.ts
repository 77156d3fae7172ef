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

  it.each([
    ['fifteen-letters', 1],
    ['sixteen-letters-', 0],
  ])('is warned of where it is so short that it may be guessed: %s', (adminApiKey, warnings) => {
    const { logLines } = openTestServer({ adminApiKey })
    expect(logLines.filter((line) => line.includes('admin_api_key.short'))).toHaveLength(warnings)
    expect(logLines.join('')).not.toContain(adminApiKey)
  })

  it('never shows up in the log', async () => {
    const { app, logLines } = openTestServer()
    await app.inject({ url: '/api/v1/calls', headers: { authorization: `Bearer ${ADMIN_KEY}` } })
    expect(logLines.join('')).not.toContain(ADMIN_KEY)
  })
})

describe('wrong keys', () => {
  /** Asks a server from addresses with keys. */
  function askFrom() {
    const { app } = openTestServer()
    const send = (remoteAddress: string, key: string | undefined, url = '/api/v1/calls?x=1') =>
      app.inject({
        url,
        remoteAddress,
        headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      })
    const statuses = async (asked: readonly Parameters<typeof send>[]) =>
      Promise.all(asked.map(async (each) => (await send(...each)).statusCode))
    return { send, statuses }
  }
  const tenWrong = (address: string) =>
    Array.from({ length: 10 }, (_, index): [string, string] => [address, `wrong-${index}`])

  it('are told to wait from the eleventh of one source on, and others of the source go on', async () => {
    const { send, statuses } = askFrom()
    expect(new Set(await statuses(tenWrong('203.0.113.7')))).toEqual(new Set([401]))
    const answer = await send('203.0.113.7', 'wrong')
    expect([answer.statusCode, answer.json()]).toMatchObject([429, { code: 'too_many_wrong_keys' }])
    const waitSeconds = Number(answer.headers['retry-after'])
    expect(waitSeconds).toBeGreaterThan(350)
    expect(waitSeconds).toBeLessThanOrEqual(360)
    expect(
      await statuses([
        ['203.0.113.7', 'wrong'],
        ['203.0.113.7', ADMIN_KEY],
        ['203.0.113.7', undefined],
        ['203.0.113.8', 'wrong'],
      ]),
    ).toEqual([429, 400, 401, 401])
  })

  it('count for the network of an IPv6 address, and for all that keys open', async () => {
    const { statuses } = askFrom()
    await statuses(tenWrong('2001:db8:1:2::7'))
    expect(
      await statuses([
        ['2001:db8:1:2::8', 'wrong', '/metrics'],
        ['2001:db8:1:2::8', 'wrong'],
        ['2001:db8:1:3::8', 'wrong'],
      ]),
    ).toEqual([429, 429, 401])
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
