import { describe, expect, it } from 'vitest'
import { openTestServer } from './support/server.ts'

describe('health', () => {
  it('is alive whatever is away', async () => {
    const { app } = openTestServer({ readiness: { database: () => false } })
    const response = await app.inject('/healthz')
    expect([response.statusCode, response.json()]).toEqual([200, { status: 'ok' }])
  })

  it('is ready when everything is there', async () => {
    const { app } = openTestServer({ readiness: { database: () => Promise.resolve(true) } })
    const response = await app.inject('/readyz')
    expect([response.statusCode, response.json()]).toEqual([200, { status: 'ready' }])
  })

  it('names everything that is away', async () => {
    const { app } = openTestServer({
      readiness: {
        database: () => Promise.reject(new Error('connection refused')),
        sip: () => false,
        disk: () => true,
      },
    })
    const response = await app.inject('/readyz')
    expect(response.statusCode).toBe(503)
    expect(response.headers['retry-after']).toBe('5')
    expect(response.json()).toMatchObject({ code: 'not_ready', away: ['database', 'sip'] })
  })

  it('counts what does not answer as away', async () => {
    const { app } = openTestServer({ readiness: { sip: () => new Promise(() => {}) } })
    const response = await app.inject('/readyz')
    expect(response.json()).toMatchObject({ away: ['sip'] })
  })

  it('answers HEAD for monitors', async () => {
    const { app } = openTestServer()
    const response = await app.inject({ method: 'HEAD', url: '/healthz' })
    expect([response.statusCode, response.body]).toEqual([200, ''])
  })
})
