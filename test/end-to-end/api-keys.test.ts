import { expect, it } from 'vitest'
import { openTestDatabase } from '../support/database.ts'
import { makeDataDir, type ServiceProcess, startService } from '../support/service.ts'
import { waitFor } from '../support/wait.ts'

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

it('a key that one process makes opens all at once, and is refused by all when it is revoked', async () => {
  const [first, second] = await startTwo()
  const body = JSON.stringify({ name: 'ci', role: 'operator' })
  const created = await ask(first, first.apiKey, '/api-keys', { method: 'POST', body })
  const { id, key } = (await created.json()) as { id: string; key: string }
  for (const service of [first, second, first, second]) {
    expect((await ask(service, key, '/calls')).status).toBe(200)
  }

  const revoked = await ask(second, second.apiKey, `/api-keys/${id}`, { method: 'DELETE' })
  expect(revoked.status).toBe(200)
  for (const service of [first, second]) {
    await waitFor(async () => (await ask(service, key, '/calls')).status === 401, {
      what: 'the key to be refused',
    })
  }
  expect((await ask(first, first.apiKey, '/calls')).status).toBe(200)

  const acts = await ask(second, second.apiKey, '/audit')
  expect(await acts.json()).toMatchObject([
    { what: 'api_key.revoked', subject: id, source: '127.0.0.1' },
    { what: 'api_key.created', subject: id, source: '127.0.0.1' },
  ])
})
