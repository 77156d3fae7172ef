import { expect, it } from 'vitest'
import { makeDataDir, startService } from '../support/service.ts'

it('the running service shows what it, its database and its SIP engine have counted', async () => {
  const { api } = await startService(await makeDataDir())
  await fetch(`${api}/healthz`)

  const response = await fetch(`${api}/metrics`)
  const text = await response.text()

  expect(response.status).toBe(200)
  expect(text).toContain('bridgeback_build_info{version="')
  expect(text).toContain('\nbridgeback_database_up 1\n')
  expect(text).toContain('\nbridgeback_database_connections_awaited 0\n')
  expect(text).toContain('\nbridgeback_calls{state="bridged"} 0\n')
  expect(text).toContain(
    '\nbridgeback_http_requests_total{method="GET",route="/healthz",status="200"} 1\n',
  )
  expect(text).toContain('\nbridgeback_engine_calls_in_total 0\n')
  expect(text).toContain('\nbridgeback_engine_entries{table="dialogs"} 0\n')
}, 60_000)
