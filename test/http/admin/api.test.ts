import { describe, expect, it } from 'vitest'
import { routesOf } from '../../../src/http/openapi/registered-routes.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const { app } = openTestServer()
await app.ready()
const ROUTES = routesOf(app)
  .filter(({ url }) => url.startsWith('/api/v1/'))
  .map(({ method, url, description }) => ({
    method: method as 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: url.replaceAll(/:\w+/g, 'x'),
    query: description?.query,
  }))
const authorization = `Bearer ${ADMIN_KEY}`

/** Asks the server, which is without a database: what it refuses it has refused before it has done anything. */
async function ask({ method, url }: { method: 'GET' | 'POST' | 'PUT' | 'DELETE'; url: string }) {
  const answer = await openTestServer().app.inject({ method, url, headers: { authorization } })
  return { status: answer.statusCode, ...answer.json<object>() }
}

const WITHOUT_QUERY = ROUTES.filter(({ query }) => !query)

it.each(WITHOUT_QUERY)('$method $url takes no query, and says so', async ({ method, url }) => {
  expect(await ask({ method, url: `${url}?dry_run=true` })).toMatchObject({
    status: 400,
    code: 'invalid_query',
    problems: [{ message: 'Unrecognized key: "dry_run"' }],
  })
})

const PARAMETERS = ROUTES.flatMap(({ query, ...route }) =>
  Object.keys(query?.shape ?? {}).map((name) => ({ ...route, name })),
)

it.each(PARAMETERS)('$method $url refuses a NUL in $name', async ({ method, url, name }) => {
  expect(await ask({ method, url: `${url}?${name}=a%00` })).toMatchObject({
    status: 400,
    code: 'invalid_query',
    problems: [{ path: name, message: 'holds a NUL character' }],
  })
})

describe('an empty body that is said to be JSON', () => {
  const send = async (method: 'DELETE' | 'POST' | 'PUT', path: string, payload = '') => {
    const headers = { authorization, 'content-type': 'application/json' }
    const url = `/api/v1${path}`
    const answer = await openTestServer().app.inject({ method, url, headers, payload })
    return { status: answer.statusCode, ...answer.json<object>() }
  }

  it.each([
    ['DELETE', '/api-keys/environment', 409, 'environment_key'],
    ['POST', '/deliveries/x/resend', 404, 'not_found'],
  ] as const)('is no body to %s %s', async (method, path, status, code) => {
    expect(await send(method, path)).toMatchObject({ status, code })
  })

  it.each([
    ['POST', '/api-keys', 400, 'malformed_body'],
    ['POST', '/tracking-urls/preview', 400, 'malformed_body'],
    ['PUT', '/configuration', 400, 'malformed_body'],
  ] as const)('is refused by %s %s, which need one', async (method, path, status, code) => {
    expect(await send(method, path)).toMatchObject({ status, code })
  })

  it.each(['{', '{"__proto__": {}}', '{"constructor": {"prototype": {}}}'])(
    'is told from %j, which is malformed',
    async (payload) => {
      expect(await send('POST', '/api-keys', payload)).toMatchObject({ status: 400 })
    },
  )
})
