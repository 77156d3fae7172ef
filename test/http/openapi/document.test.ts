import { Validator } from '@seriousme/openapi-schema-validator'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OpenApiDocument } from '../../../src/http/openapi/document.ts'
import { routesOf } from '../../../src/http/openapi/registered-routes.ts'
import { openTestServer } from '../support/server.ts'

const { app } = openTestServer()
const document = (await app.inject('/docs/json')).json<OpenApiDocument>()

/** What is for people and says nothing that a program could use. */
const isPage = (url: string): boolean =>
  url === '/' || url === '/docs' || url.startsWith('/dashboard/')

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

describe('/docs/json', () => {
  let validator: Validator
  beforeAll(() => {
    validator = new Validator()
  })

  it('is a valid document of OpenAPI 3.1', async () => {
    const { valid, errors } = await validator.validate({ ...document })
    expect({ valid, errors, version: validator.version }).toEqual({
      valid: true,
      errors: undefined,
      version: '3.1',
    })
  })

  it('has every route that is registered, and no other', () => {
    const registered = routesOf(app)
      .filter(({ url }) => !isPage(url))
      .map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`)
    const documented = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    expect(documented.toSorted()).toEqual(registered.toSorted())
  })

  it('names every operation once, and every part of a path', () => {
    const names = operations.map(({ operation }) => operation.operationId)
    expect(names).toEqual([...new Set(names)])
    const parts = ({ path }: { path: string }) =>
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const told = operations.map(({ operation: { parameters = [] } }) =>
      parameters.filter((each) => each.in === 'path').map(({ name }) => name),
    )
    expect(told).toEqual(operations.map(parts))
  })

  it('refers only to what it holds', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)]
    const ids = new Set(references.map(([, reference = '']) => reference))
    const held = Object.keys(document.components.schemas).map((id) => `#/components/schemas/${id}`)
    expect([...ids].toSorted()).toEqual(held.toSorted())
  })

  it('says that each route of the API takes a key', () => {
    const open = operations.filter(
      ({ path, operation }) =>
        path.startsWith('/api/v1/') &&
        !(operation.security?.length === 1 && operation.responses['401'] !== undefined),
    )
    expect(open).toEqual([])
  })
})
