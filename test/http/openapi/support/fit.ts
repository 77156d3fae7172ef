import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { OpenApiDocument, OperationObject } from '../../../../src/http/openapi/document.ts'

/** An answer of the service, or as much of it as a document describes. */
export interface RealAnswer {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Holds answers against a document. */
export interface Fitter {
  /** What does not fit, in words; empty if all of it does. */
  readonly misfits: (answer: RealAnswer) => readonly string[]
  /** The operation that a request belongs to, as in `GET /calls/{uuid}`. */
  readonly operationOf: (method: string, url: string) => string
}

/** Members that are not documented do not fit, although clients are told that there may be such. */
export function createFitter(document: OpenApiDocument): Fitter {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(closed(document) as object, 'openapi')
  const places = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

  function placeOf(method: string, url: string) {
    const [pathname = ''] = url.split('?')
    const matching = places.filter((each) => each.method === method.toLowerCase())
    const isMatch = ({ path }: { path: string }) =>
      new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname)
    const place = matching.find(({ path }) => path === pathname) ?? matching.find(isMatch)
    if (!place) throw new Error(`${method} ${url} is not documented`)
    return place
  }

  function misfits({ method, url, status, contentType, body }: RealAnswer): readonly string[] {
    const { path, operation } = placeOf(method, url)
    const documented = contentOf(operation, status, contentType)
    if (documented === undefined) return [`${status} with ${contentType} is not documented`]
    const pointer = ['paths', path, method.toLowerCase(), 'responses', String(status), 'content']
    const validate = ajv.getSchema(
      `openapi#/${[...pointer, documented, 'schema'].map(escapePointer).join('/')}`,
    ) as ValidateFunction
    const value: unknown = documented.includes('json') ? JSON.parse(body) : body
    if (validate(value)) return []
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    )
  }

  return {
    misfits,
    operationOf: (method, url) => `${method} ${placeOf(method, url).path}`,
  }
}

function contentOf(
  { responses }: OperationObject,
  status: number,
  contentType: string,
): string | undefined {
  const isSame = (documented: string) =>
    documented === contentType || documented === contentType.split(';')[0]
  return Object.keys(responses[String(status)]?.content ?? {}).find(isSame)
}

const escapePointer = (part: string): string =>
  encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))

/** The same with every object closed that does not say what else it may hold. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(([name, value]): [string, unknown] =>
    // What stands together is closed by neither part of it.
    [name, name === 'allOf' ? value : closed(value)],
  )
  const isOpen = 'properties' in schema && 'type' in schema && !('additionalProperties' in schema)
  return Object.fromEntries([...entries, ...(isOpen ? [['additionalProperties', false]] : [])])
}
