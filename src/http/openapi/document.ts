import manifest from '../../../package.json' with { type: 'json' }
import { API_PREFIX, roleNeeded } from '../admin/roles.ts'
import { buildProblem, PROBLEM_TYPE, type ProblemCode } from '../errors.ts'
import { createSchemaWriter, type JsonSchema, type SchemaWriter } from './json-schema.ts'
import { PROBLEM_ANSWER } from './problem.ts'
import type { RegisteredRoute } from './registered-routes.ts'
import {
  type AnswerDescription,
  type Content,
  GROUPS,
  type Group,
  type KeyName,
  type RouteDescription,
} from './route-description.ts'

/** Where the path of an operation varies, or what its query or headers hold. */
export interface ParameterObject {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: JsonSchema
}

/** Schemas by content type. */
export type ContentObject = Readonly<Record<string, { readonly schema: JsonSchema }>>

/** What an operation answers with one status. */
export interface ResponseObject {
  readonly description: string
  readonly headers?: Readonly<
    Record<string, { readonly description: string; readonly schema: JsonSchema }>
  >
  readonly content?: ContentObject
}

/** One method of one path. */
export interface OperationObject {
  readonly operationId: string
  readonly tags: readonly Group[]
  readonly summary: string
  readonly description?: string
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly ParameterObject[]
  readonly requestBody?: { readonly content: ContentObject }
  readonly responses: Readonly<Record<string, ResponseObject>>
}

/** As much of an OpenAPI document as this service writes. @see https://spec.openapis.org/oas/v3.1.1 */
export interface OpenApiDocument {
  readonly openapi: '3.1.1'
  readonly info: Readonly<Record<string, unknown>>
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, JsonSchema>>
    readonly schemas: Readonly<Record<string, JsonSchema>>
  }
}

const SECURITY_SCHEMES = {
  apiKey: { type: 'http', scheme: 'bearer', description: 'A key of the API.' },
  callKey: {
    type: 'apiKey',
    in: 'query',
    name: 'key',
    description: 'The key that the buyer has got with the call.',
  },
  callKeyHeader: { type: 'apiKey', in: 'header', name: 'X-Call-Key' },
  callKeyBearer: { type: 'http', scheme: 'bearer' },
} as const satisfies Readonly<Record<KeyName, object>>

/** What any route may answer. */
const PROBLEMS_OF_ALL: readonly ProblemCode[] = ['repeated_header', 'url_too_long']

/** What any route of the API may answer besides. */
const PROBLEMS_OF_API: readonly ProblemCode[] = [
  'invalid_query',
  'unauthorised',
  'forbidden',
  'too_many_wrong_keys',
  'internal_error',
  'unavailable',
]

/** What any of them may answer by whose method a body may come, and be read. */
const PROBLEMS_OF_BODIES: readonly ProblemCode[] = [
  'malformed_body',
  'body_too_large',
  'unsupported_media_type',
]

/** Writes down every route that has a description, in the order in which they were registered. */
export function buildDocument(routes: readonly RegisteredRoute[]): OpenApiDocument {
  const writer = createSchemaWriter()
  const paths: Record<string, Record<string, OperationObject>> = {}
  for (const route of routes) {
    const { description, method } = route
    if (!description) continue
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}')
    const place = (paths[path] ??= {})
    place[method.toLowerCase()] = buildOperation(writer, { ...route, path, description })
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Bridgeback',
      version: manifest.version,
      description: manifest.description,
      license: { name: manifest.license, identifier: manifest.license },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(GROUPS).map(([name, description]) => ({ name, description })),
    paths,
    components: { securitySchemes: SECURITY_SCHEMES, schemas: writer.components() },
  }
}

interface DescribedRoute extends RegisteredRoute {
  /** As in `/calls/{uuid}`. */
  readonly path: string
  readonly description: RouteDescription
}

function buildOperation(writer: SchemaWriter, route: DescribedRoute): OperationObject {
  const { group, summary, body } = route.description
  const details = detailsOf(route)
  const parameters = parametersOf(writer, route.description)
  const security = securityOf(route)
  const takesBody = body && route.method !== 'GET' && route.method !== 'HEAD'
  return {
    operationId: operationIdOf(route),
    tags: [group],
    summary,
    ...(details !== '' && { description: details }),
    ...(security.length > 0 && { security }),
    ...(parameters.length > 0 && { parameters }),
    ...(takesBody && { requestBody: { content: contentOf(writer, body, 'input') } }),
    responses: responsesOf(writer, route),
  }
}

function detailsOf({ method, url, path, description: { details = '' } }: DescribedRoute): string {
  const role = isOfApi(path) ? `Takes a key of the role \`${roleNeeded(method, url)}\`.` : ''
  return [details, role].filter((text) => text !== '').join(' ')
}

/** As in `getCallsByUuidTimeline`. */
function operationIdOf({ method, path }: DescribedRoute): string {
  const words = path
    .replace(API_PREFIX, '')
    .replaceAll(/\{(\w+)\}/g, 'by-$1')
    .split(/\W+|_/)
    .filter((word) => word !== '')
  const capitalised = words.map((word) => `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`)
  return `${method.toLowerCase()}${capitalised.join('')}`
}

const isOfApi = (path: string): boolean => path.startsWith(`${API_PREFIX}/`)

/** Any one of the keys will do. */
function securityOf({ path, description }: DescribedRoute): OperationObject['security'] & {} {
  const { keys = isOfApi(path) ? (['apiKey'] as const) : [] } = description
  return keys.map((name) => ({ [name]: [] }))
}

function parametersOf(
  writer: SchemaWriter,
  { params, query, headers }: RouteDescription,
): readonly ParameterObject[] {
  return (
    [
      ['path', params],
      ['query', query],
      ['header', headers],
    ] as const
  ).flatMap(([place, schema]) => {
    if (!schema) return []
    const { properties = {}, required = [] } = writer.write(schema, 'input') as {
      readonly properties?: Readonly<Record<string, JsonSchema>>
      readonly required?: readonly string[]
    }
    return Object.entries(properties).map(([name, { description, ...rest }]) => ({
      name,
      in: place,
      required: required.includes(name),
      ...(typeof description === 'string' && { description }),
      schema: rest,
    }))
  })
}

function contentOf(
  writer: SchemaWriter,
  content: Content,
  direction: 'input' | 'output',
): ContentObject {
  return Object.fromEntries(
    Object.entries(content).map(([type, schema]) => [
      type,
      { schema: writer.write(schema, direction) },
    ]),
  )
}

function responsesOf(
  writer: SchemaWriter,
  { method, path, description }: DescribedRoute,
): OperationObject['responses'] {
  const { answers, problems = [] } = description
  const isHead = method === 'HEAD'
  const codes = new Set<ProblemCode>([
    ...problems,
    ...PROBLEMS_OF_ALL,
    ...(isOfApi(path) ? PROBLEMS_OF_API : []),
    ...(isOfApi(path) && !isHead && method !== 'GET' ? PROBLEMS_OF_BODIES : []),
  ])
  const byStatus = Map.groupBy(codes, (code) => buildProblem(code).status)
  const responses: Record<string, ResponseObject> = {}
  for (const [status, answer] of Object.entries(answers)) {
    responses[status] = responseOf(writer, answer, isHead)
  }
  for (const [status, of] of byStatus) {
    responses[status] = both(responses[status], problemOf(writer, of, isHead))
  }
  return responses
}

/** One status may be an answer of the route's own and a problem, told apart by their content types. */
function both(answer: ResponseObject | undefined, problem: ResponseObject): ResponseObject {
  if (!answer) return problem
  const content = { ...answer.content, ...problem.content }
  return {
    ...answer,
    description: `${answer.description} ${problem.description}`,
    ...(Object.keys(content).length > 0 && { content }),
  }
}

function responseOf(
  writer: SchemaWriter,
  { description, content, headers = {} }: AnswerDescription,
  isHead: boolean,
): ResponseObject {
  const told = Object.entries(headers).map(([name, meaning]) => [
    name,
    { description: meaning, schema: { type: 'string' } },
  ])
  return {
    description,
    ...(told.length > 0 && { headers: Object.fromEntries(told) as ResponseObject['headers'] & {} }),
    ...(content && !isHead && { content: contentOf(writer, content, 'output') }),
  }
}

function problemOf(
  writer: SchemaWriter,
  codes: readonly ProblemCode[],
  isHead: boolean,
): ResponseObject {
  const problem = writer.write(PROBLEM_ANSWER, 'output')
  const schema = { allOf: [problem, { properties: { code: { enum: codes } } }] }
  return {
    description: codes.map((code) => `\`${code}\`: ${buildProblem(code).detail}`).join(' '),
    ...(!isHead && { content: { [PROBLEM_TYPE]: { schema } } }),
  }
}
