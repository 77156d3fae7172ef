import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { listActs, type RecordedAct } from '../../db/audit.ts'
import { ENVIRONMENT_KEY } from '../../domain/api-key.ts'
import { ACTS } from '../../domain/audit.ts'
import { goneOf } from '../gone.ts'
import { type Answer, described, page } from '../openapi/route-description.ts'
import { instant, textOrNull } from './answer-fields.ts'
import { Instant, pageOf, PageSize, readQuery } from './query.ts'
import { type Search, SEARCH_PROBLEMS } from './search.ts'

const Query = z.strictObject({
  who: z
    .string()
    .max(256)
    .optional()
    .describe('The id or name of a key, a user of the machine, or `cli` for the command line.'),
  what: z.enum(ACTS).optional(),
  created_from: Instant.optional(),
  created_to: Instant.optional(),
  limit: PageSize,
  before: z.coerce
    .number()
    .int()
    .positive()
    .optional()
    .describe('From the `next` link: the last act of the page before.'),
})

const ACT_ANSWER = z
  .object({
    id: z.int(),
    at: instant,
    who: z.object({
      kind: z.enum(['key', 'cli']).describe('Through the API, or on the command line.'),
      id: textOrNull.describe('Of the key, as `/api-keys` has it.'),
      name: z.string().describe('Of the key, or of the user of the machine.'),
    }),
    what: z.enum(ACTS),
    subject: textOrNull.describe('The id of what it was done to; `null` if that was many.'),
    details: z.record(z.string(), z.unknown()),
    source: textOrNull.describe('The address that the request came from.'),
  })
  .meta({ id: 'Act' })

const LIST = described({
  group: 'Access',
  summary: 'Lists what people have done by hand, the latest first',
  query: Query,
  answers: { 200: page('A page of the record.', z.array(ACT_ANSWER)) },
  problems: SEARCH_PROBLEMS,
})

/** `GET /audit`: what people have done by hand, latest first. */
export function registerAudit(app: FastifyInstance, search: Search): void {
  app.get('/audit', LIST, async (request, reply) => {
    const query = readQuery(Query, request.query, reply)
    if (!query) return reply
    const { limit, who, what, created_from: from, created_to: to, before } = query
    const filters = { who, what, from, to, before }
    const found = await search((db) => listActs(db, filters, limit + 1), goneOf(reply))
    const keyOf = ({ auditId }: RecordedAct) => String(auditId)
    return pageOf(found, reply, { limit, keyOf }).map(showAct)
  })
}

const showAct = (act: RecordedAct): Answer<typeof ACT_ANSWER> => ({
  id: act.auditId,
  at: act.at,
  who: {
    kind: act.by,
    id: act.by === 'key' ? (act.keyId ?? ENVIRONMENT_KEY) : null,
    name: act.who,
  },
  what: act.what,
  subject: act.subject,
  details: act.details,
  source: act.source,
})
