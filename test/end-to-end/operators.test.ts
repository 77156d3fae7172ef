import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createApi } from '../../sip-scenarios/api.ts'
import { makeDataDir, startService } from '../support/service.ts'

it('an operator tries a tracking URL in the running service and sees request and answer', async () => {
  const { origin, received } = await openReceiver()
  const { api, apiKey } = await startService(await makeDataDir(), {
    ALLOW_PRIVATE_TARGETS: '127.0.0.0/8',
  })
  await createApi(api, apiKey).configure({
    publishers: [{ id: 'acme', name: 'Acme' }],
    buyers: [{ id: 'solar', name: 'Solar', endpoint: 'sip:sales@127.0.0.1:5099' }],
    campaigns: [
      {
        id: 'leads',
        name: 'Leads',
        numbers: [{ number: '+18005550100', publisher: 'acme' }],
        routes: [{ buyer: 'solar' }],
        tracking_urls: [{ id: 'sale', trigger: 'converted', url: `${origin}/sale?amt=[payout]` }],
      },
    ],
  })
  const response = await fetch(`${api}/api/v1/tracking-urls/sale/test`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
  })
  expect(response.status).toBe(200)
  expect(received).toEqual([expect.stringMatching(/^GET \/sale\?amt=\d+\.\d\d$/)])
}, 60_000)

async function openReceiver() {
  const received: string[] = []
  const server = createServer((request, response) => {
    received.push(`${request.method} ${request.url}`)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, received }
}
