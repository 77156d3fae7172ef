import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { listActs, type RecordedAct } from '../../db/audit.ts'
import type { Database } from '../../db/queryable.ts'
import { ENVIRONMENT_KEY } from '../../domain/api-key.ts'
import { ACTS } from '../../domain/audit.ts'
import { Instant, nextLink, PageSize, readQuery } from './query.ts'

/** What the record needs from around it. */
export interface AuditDeps {
  readonly database: Database
}

const Query = z.strictObject({
  /** The id or name of a key, a user of the machine, or `cli` for the whole command line. */
  who: z.string().max(256).optional(),
  what: z.enum(ACTS).optional(),
  created_from: Instant.optional(),
  created_to: Instant.optional(),
  limit: PageSize,
  /** From the `next` link: the last act of the page before. */
  before: z.coerce.number().int().positive().optional(),
})

/** `GET /audit`: what people have done by hand, latest first. */
export function registerAudit(app: FastifyInstance, { database }: AuditDeps): void {
  app.get('/audit', async (request, reply) => {
    const query = readQuery(Query, request.query, reply)
    if (!query) return reply
    const { limit, who, what, created_from: from, created_to: to, before } = query
    const found = await listActs(database, { who, what, from, to, before }, limit + 1)
    const page = found.slice(0, limit)
    const last = page.at(-1)
    if (found.length > limit && last) {
      reply.header('link', nextLink(request.url, String(last.auditId)))
    }
    return page.map(showAct)
  })
}

const showAct = (act: RecordedAct): object => ({
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
