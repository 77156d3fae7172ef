import { expect, it } from 'vitest'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const ask = (query: Record<string, string>) => {
  const { app } = openTestServer({
    publicUrl: 'https://calls.example/',
    checkUrl: (url) => (url.includes('10.0.0.1') ? 'may not be requested' : undefined),
  })
  return app.inject({
    url: `/api/v1/wizard/buyer-urls?${new URLSearchParams(query).toString()}`,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  })
}

it("builds a buyer's ping and postback URL from chosen tokens (B2, B4)", async () => {
  const tokens = 'id:call_uuid,secret:call_key,from:caller_number'
  const response = await ask({ base_url: 'https://crm.example/ping', tokens })
  expect(response.json()).toEqual({
    tracking_url: {
      id: 'ping',
      trigger: 'bridged',
      method: 'HEAD',
      url: 'https://crm.example/ping?id=[call_uuid]&secret=[call_key]&from=[caller_number]',
    },
    ping_preview: `https://crm.example/ping?id=00000000-0000-7000-8000-000000000000&secret=${'0'.repeat(44)}&from=%2B12125550100`,
    warnings: [],
    postback_url: 'https://calls.example/calls/{id}/set_value?key={secret}&revenue={revenue}',
  })
})

it.each([
  [
    { style: 'double_curly' },
    '/calls/{{call_uuid}}/set_value?key={{call_key}}&revenue={{revenue}}',
  ],
  [{ style: 'percent' }, '/calls/%%call_uuid%%/set_value?key=%%call_key%%&revenue=%%revenue%%'],
  [
    { style: 'square', revenue_macro: 'amount' },
    '/calls/[call_uuid]/set_value?key=[call_key]&revenue=[amount]',
  ],
  [{ trigger: 'sale=true' }, '/calls/{call_uuid}/set_value?key={call_key}&sale=true'],
])(
  'adds UUID and key, which nobody can do without, and writes %j as asked',
  async (query, path) => {
    const response = await ask({ base_url: 'https://crm.example/ping?a=1', ...query })
    expect(response.json()).toMatchObject({
      tracking_url: {
        url: 'https://crm.example/ping?a=1&call_uuid=[call_uuid]&call_key=[call_key]',
      },
      postback_url: `https://calls.example${path}`,
    })
  },
)

it.each([
  [{ base_url: 'crm.example' }, 'base_url'],
  [{ base_url: 'http://10.0.0.1/' }, 'base_url'],
  [{ base_url: 'https://crm.example/', tokens: 'a b:call_uuid' }, 'tokens'],
  [{ base_url: 'https://crm.example/', tokens: 'a:[x]' }, 'tokens'],
  [{ base_url: 'https://crm.example/', style: 'none' }, 'style'],
  [{ base_url: 'https://crm.example/', trigger: 'sale' }, 'trigger'],
])('refuses %j', async (query, path) => {
  const response = await ask(query)
  expect([response.statusCode, response.json()]).toMatchObject([400, { problems: [{ path }] }])
})
