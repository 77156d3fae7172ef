import { expect, it } from 'vitest'
import { openTestDatabase } from '../support/database.ts'
import { makeDataDir, type ServiceProcess, startService } from '../support/service.ts'
import { waitFor } from '../support/wait.ts'

const REVOKED_WITHIN_MS = 1_000

async function startTwo() {
  const { connection } = await openTestDatabase()
  const { host, port, user, password = '', database } = connection
  const address = `${encodeURIComponent(host)}&port=${port}`
  const DATABASE_URL = `postgresql://${user}:${password}@localhost/${database}?host=${address}`
  const start = async () => startService(await makeDataDir(), { DATABASE_URL })
  return Promise.all([start(), start()])
}

async function ask({ api }: ServiceProcess, key: string, path: string, init: RequestInit = {}) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(`${api}/api/v1${path}`, { ...init, headers })
}

it('a key that one process makes opens all at once, and is refused by all within a second of its end', async () => {
  const [first, second] = await startTwo()
  const body = JSON.stringify({ name: 'ci', role: 'operator' })
  const created = await ask(first, first.apiKey, '/api-keys', { method: 'POST', body })
  const { id, key } = (await created.json()) as { id: string; key: string }
  for (const service of [first, second, first, second]) {
    expect((await ask(service, key, '/calls')).status).toBe(200)
  }

  const revoked = await ask(second, second.apiKey, `/api-keys/${id}`, {
    method: 'DELETE',
    body: '{}',
  })
  const revokedAtMs = performance.now()
  expect(revoked.status).toBe(200)
  const refusedAfterMs = await Promise.all(
    [first, second].map(async (service) => {
      await waitFor(async () => (await ask(service, key, '/calls')).status === 401, {
        what: 'the key to be refused',
      })
      return performance.now() - revokedAtMs
    }),
  )
  expect(Math.max(...refusedAfterMs)).toBeLessThan(REVOKED_WITHIN_MS)
  expect((await ask(first, first.apiKey, '/calls')).status).toBe(200)

  const acts = await ask(second, second.apiKey, '/audit')
  expect(await acts.json()).toMatchObject([
    { what: 'api_key.revoked', subject: id, source: '127.0.0.1' },
    { what: 'api_key.created', subject: id, source: '127.0.0.1' },
  ])
})
