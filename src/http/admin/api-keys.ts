import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { listApiKeys, type StoredApiKey } from '../../db/api-keys.ts'
import type { Database } from '../../db/queryable.ts'
import { ENVIRONMENT_KEY, KEY_ROLES, problemOfKeyName } from '../../domain/api-key.ts'
import { createApiKey, revokeApiKey } from '../../flow/api-keys.ts'
import { digestApiKey, makeApiKey } from '../api-key-text.ts'
import { actorOf } from '../auth.ts'
import { sendProblem } from '../errors.ts'
import { type Answer, described, json, page } from '../openapi/route-description.ts'
import { instantOrNull, textOrNull } from './answer-fields.ts'
import { pageOf, PageSize, readBody, readQuery } from './query.ts'

/** What the resource of keys needs from around it. */
export interface ApiKeysDeps {
  readonly database: Database
}

const ListQuery = z.strictObject({
  state: z.enum(['live', 'revoked']).optional().describe('Only these; all unless said.'),
  limit: PageSize,
  before: z.uuid().optional().describe('From the `next` link: the last key of the page before.'),
})

const CreateBody = z.strictObject({
  name: z
    .string()
    .superRefine((name, context) => {
      const problem = problemOfKeyName(name)
      if (problem !== undefined) context.addIssue(problem)
    })
    .describe('Who holds it: what the record says when it is used.'),
  role: z.enum(KEY_ROLES).describe('Each may do what the one before it may, and more.'),
})

const KEY_ANSWER = z
  .object({
    id: z.string().describe('A UUID, or `environment` for `ADMIN_API_KEY`.'),
    name: z.string(),
    role: z.enum(KEY_ROLES),
    created_at: instantOrNull,
    created_by: textOrNull.describe('The name of the key that made it.'),
    last_used_at: instantOrNull.describe('To the minute; not noted for `environment`.'),
    revoked_at: instantOrNull,
  })
  .meta({ id: 'ApiKey' })
const NEW_KEY_ANSWER = KEY_ANSWER.extend({
  key: z.string().describe('The key itself, shown this once.'),
}).meta({ id: 'NewApiKey' })

const LIST = described({
  group: 'Access',
  summary: 'Lists the keys of the API, the latest first',
  query: ListQuery,
  answers: {
    200: page('A page of keys; the first one begins with `environment`.', z.array(KEY_ANSWER)),
  },
})
const CREATE = described({
  group: 'Access',
  summary: 'Makes a key',
  details: 'What is stored is a hash: the key is in the answer and nowhere else.',
  body: { 'application/json': CreateBody },
  answers: { 201: json('It works from now on.', NEW_KEY_ANSWER) },
  problems: ['malformed_body', 'too_many_keys'],
})
const REVOKE = described({
  group: 'Access',
  summary: 'Revokes a key',
  details: 'Every process refuses it within a second. Once more changes nothing.',
  params: z.object({ id: z.string() }),
  answers: { 200: json('It is revoked.', KEY_ANSWER) },
  problems: ['not_found', 'environment_key'],
})

/**
 * `GET,POST /api-keys` and `DELETE /api-keys/{id}`, which revokes. A key is shown once, by the answer that it
 * was made with; what is stored is its hash.
 */
export function registerApiKeys(app: FastifyInstance, { database }: ApiKeysDeps): void {
  app.get('/api-keys', LIST, async (request, reply) => {
    const query = readQuery(ListQuery, request.query, reply)
    return query ? list(database, query, reply) : reply
  })
  app.post('/api-keys', CREATE, async (request, reply) => create(database, request, reply))
  app.delete<{ Params: { id: string } }>('/api-keys/:id', REVOKE, async (request, reply) => {
    const { id } = request.params
    if (id === ENVIRONMENT_KEY) return sendProblem(reply, 'environment_key')
    if (!z.uuid().safeParse(id).success) return sendProblem(reply, 'not_found')
    const key = await revokeApiKey(database, id, actorOf(request))
    return key ? showKey(key) : sendProblem(reply, 'not_found')
  })
}

async function list(
  database: Database,
  { limit, ...filters }: z.infer<typeof ListQuery>,
  reply: FastifyReply,
): Promise<readonly ShownKey[]> {
  const found = await listApiKeys(database, filters, limit + 1)
  const keys = pageOf(found, reply, { limit, keyOf: ({ keyId }) => keyId })
  const isFirst = filters.before === undefined && filters.state !== 'revoked'
  return [...(isFirst ? [THE_ENVIRONMENTS] : []), ...keys.map(showKey)]
}

async function create(
  database: Database,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const body = readBody(CreateBody, request.body, reply)
  if (!body) return reply
  const key = makeApiKey()
  const stored = await createApiKey(
    database,
    { ...body, keyId: uuidv7(), hash: digestApiKey(key) },
    actorOf(request),
  )
  if (stored === 'too_many') return sendProblem(reply, 'too_many_keys')
  const shown: Answer<typeof NEW_KEY_ANSWER> = { ...showKey(stored), key }
  return reply.code(201).send(shown)
}

type ShownKey = Answer<typeof KEY_ANSWER>

/** A key in the API, without what opens anything. */
const showKey = (key: StoredApiKey): ShownKey => ({
  id: key.keyId,
  name: key.name,
  role: key.role,
  created_at: key.createdAt,
  created_by: key.createdBy,
  last_used_at: key.lastUsedAt,
  revoked_at: key.revokedAt,
})

/** ADMIN_API_KEY, which is in no table: nobody notes when it is used. */
const THE_ENVIRONMENTS: ShownKey = {
  id: ENVIRONMENT_KEY,
  name: ENVIRONMENT_KEY,
  role: 'administrator',
  created_at: null,
  created_by: null,
  last_used_at: null,
  revoked_at: null,
}
