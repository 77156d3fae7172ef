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
import { nextLink, PageSize, readQuery } from './query.ts'

/** What the resource of keys needs from around it. */
export interface ApiKeysDeps {
  readonly database: Database
}

const ListQuery = z.strictObject({
  state: z.enum(['live', 'revoked']).optional(),
  limit: PageSize,
  /** From the `next` link: the last key of the page before. */
  before: z.uuid().optional(),
})

const CreateBody = z.strictObject({
  /** What the record calls its holder. */
  name: z.string().superRefine((name, context) => {
    const problem = problemOfKeyName(name)
    if (problem !== undefined) context.addIssue(problem)
  }),
  role: z.enum(KEY_ROLES),
})

/**
 * `GET,POST /api-keys` and `DELETE /api-keys/{id}`, which revokes. A key is shown once, by the answer that it
 * was made with; what is stored is its hash.
 */
export function registerApiKeys(app: FastifyInstance, { database }: ApiKeysDeps): void {
  app.get('/api-keys', async (request, reply) => {
    const query = readQuery(ListQuery, request.query, reply)
    return query ? list(database, query, { request, reply }) : reply
  })
  app.post('/api-keys', async (request, reply) => create(database, request, reply))
  app.delete<{ Params: { id: string } }>('/api-keys/:id', async (request, reply) => {
    const { id } = request.params
    if (id === ENVIRONMENT_KEY) return sendProblem(reply, 'environment_key')
    if (!z.uuid().safeParse(id).success) return sendProblem(reply, 'not_found')
    const key = await revokeApiKey(database, id, actorOf(request))
    return key ? showKey(key) : sendProblem(reply, 'not_found')
  })
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

async function list(
  database: Database,
  { limit, ...filters }: z.infer<typeof ListQuery>,
  { request, reply }: Exchange,
): Promise<readonly object[]> {
  const found = await listApiKeys(database, filters, limit + 1)
  const page = found.slice(0, limit)
  const last = page.at(-1)
  if (found.length > limit && last) reply.header('link', nextLink(request.url, last.keyId))
  const isFirst = filters.before === undefined && filters.state !== 'revoked'
  return [...(isFirst ? [THE_ENVIRONMENTS] : []), ...page.map(showKey)]
}

async function create(
  database: Database,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const body = CreateBody.safeParse(request.body)
  if (!body.success) {
    const problems = body.error.issues.map(({ path, message }) => ({
      path: path.join('.'),
      message,
    }))
    return sendProblem(reply, 'malformed_body', { problems })
  }
  const key = makeApiKey()
  const stored = await createApiKey(
    database,
    { ...body.data, keyId: uuidv7(), hash: digestApiKey(key) },
    actorOf(request),
  )
  if (stored === 'too_many') return sendProblem(reply, 'too_many_keys')
  return reply.code(201).send({ ...showKey(stored), key })
}

/** A key in the API, without what opens anything. */
const showKey = (key: StoredApiKey): object => ({
  id: key.keyId,
  name: key.name,
  role: key.role,
  created_at: key.createdAt,
  created_by: key.createdBy,
  last_used_at: key.lastUsedAt,
  revoked_at: key.revokedAt,
})

/** ADMIN_API_KEY, which is in no table: nobody notes when it is used. */
const THE_ENVIRONMENTS = {
  id: ENVIRONMENT_KEY,
  name: ENVIRONMENT_KEY,
  role: 'administrator',
  created_at: null,
  created_by: null,
  last_used_at: null,
  revoked_at: null,
}
