import type { FastifyInstance } from 'fastify'
import { beforeAll, describe, expect, it } from 'vitest'
import { ROLE_NEEDED } from '../../../src/http/admin/roles.ts'
import { routesOf } from '../../../src/http/openapi/registered-routes.ts'
import { buildServer } from '../../../src/http/server.ts'
import { openTestDatabase } from '../../support/database.ts'
import { silent } from '../../support/flow.ts'
import { ADMIN_KEY } from '../support/server.ts'

/** What each role may use, the ones below it included. */
const ROUTES = {
  viewer: [
    'GET /calls',
    'GET /calls/:uuid',
    'GET /calls/:uuid/timeline',
    'GET /calls/:uuid/why',
    'GET /deliveries',
    'GET /deliveries/:id',
    'GET /postback-log',
    'GET /postbacks',
    'GET /reports',
    'GET /settlements',
    'GET /tracking-urls',
    'GET /publishers',
    'GET /publishers/:id',
    'GET /buyers',
    'GET /buyers/:id',
    'GET /trunks',
    'GET /trunks/:id',
    'GET /campaigns',
    'GET /campaigns/:id',
    'GET /numbers',
    'GET /numbers/:number',
    'GET /wizard/buyer-urls',
    'POST /tracking-urls/preview',
  ],
  operator: [
    'GET /audit',
    'GET /configuration',
    'POST /deliveries/:id/resend',
    'POST /deliveries/resend',
    'POST /tracking-urls/:id/test',
  ],
  administrator: ['DELETE /api-keys/:id', 'GET /api-keys', 'POST /api-keys', 'PUT /configuration'],
} as const
type Role = keyof typeof ROUTES
const ROLES = Object.keys(ROUTES) as Role[]
const CASES = ROLES.flatMap((role) => ROUTES[role].map((route) => [route, role] as const))

const database = await openTestDatabase()
const app: FastifyInstance = buildServer({
  database,
  adminApiKey: ADMIN_KEY,
  logger: silent,
  checkKey: () => undefined,
  receivePostback: () => Promise.reject(new Error('no postback was expected')),
  recordRefusal: () => {},
  refreshConfiguration: () => Promise.resolve(),
  readiness: {},
})
const keys: Record<string, string> = {}

beforeAll(async () => {
  for (const role of ROLES) {
    const response = await app.inject({
      method: 'POST',
      url: '/api/v1/api-keys',
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      payload: { name: role, role },
    })
    keys[role] = response.json<{ key: string }>().key
  }
  return () => app.close()
})

const send = (route: string, role: Role) => {
  const [method = '', path = ''] = route.split(' ')
  return app.inject({
    method: method as 'GET',
    url: `/api/v1${path.replaceAll(/:\w+/g, 'x')}`,
    headers: { authorization: `Bearer ${keys[role]}` },
  })
}

describe('the roles of keys', () => {
  it.each(ROLES)('let %s read the metrics from elsewhere', async (role) => {
    const read = (key = '') =>
      app.inject({
        url: '/metrics',
        headers: { authorization: `Bearer ${key}` },
        remoteAddress: '203.0.113.7',
      })
    expect([(await read(keys[role])).statusCode, (await read()).statusCode]).toEqual([200, 401])
  })

  it('are decided for every route of the API', () => {
    const registered = routesOf(app)
      .filter(({ url }) => url.startsWith('/api/v1/'))
      .map(({ method, url }) => `${method} ${url.slice('/api/v1'.length)}`)
    expect(registered.toSorted()).toEqual(CASES.map(([route]) => route).toSorted())
    expect(Object.keys(ROLE_NEEDED).toSorted()).toEqual(registered.toSorted())
  })

  it.each(CASES)('let %s through from %s on', async (route, needed) => {
    const answers = await Promise.all(ROLES.map((role) => send(route, role)))
    const refused = ROLES.filter((_, index) => answers[index]?.statusCode === 403)
    expect(refused).toEqual(ROLES.slice(0, ROLES.indexOf(needed)))
    expect(answers.map(({ statusCode }) => statusCode)).not.toContain(401)
    for (const { statusCode, json } of answers) {
      if (statusCode === 403) expect(json()).toMatchObject({ code: 'forbidden' })
    }
  })
})
