import { describe, expect, it } from 'vitest'
import { ADMIN_KEY, openTestServer } from './support/server.ts'

describe('the administrator key', () => {
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
