import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Queryable } from '../../db/queryable.ts'
import { searchPostbacks } from '../../db/postback-log.ts'
import { explainPostback } from '../../domain/explain.ts'
import { Instant, readQuery } from './query.ts'
import { showPostback } from './trail.ts'

const PAGE = 25
const PAGE_MAX = 200

const Query = z.strictObject({
  campaign: z.string().optional(),
  buyer: z.string().optional(),
  status: z.string().optional(),
  reason: z.string().optional(),
  source: z.string().optional(),
  /** Stands somewhere in the query or body, as it was sent. */
  text: z.string().max(256).optional(),
  from: Instant.optional(),
  to: Instant.optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE),
  /** From the `next` link: the last postback of the page before. */
  before: z.uuid().optional(),
})

/** `GET /postback-log`: every request whose call exists, refused ones too, newest first. @see behaviour B15 */
export function registerPostbackSearch(app: FastifyInstance, db: Queryable): void {
  app.get('/postback-log', async (request, reply) => {
    const query = readQuery(Query, request.query, reply)
    if (!query) return reply
    const { limit, ...filters } = query
    const found = await searchPostbacks(db, filters, limit + 1)
    const page = found.slice(0, limit)
    const last = page.at(-1)
    if (found.length > limit && last) {
      const { pathname, searchParams } = new URL(request.url, 'http://localhost')
      searchParams.set('before', last.postbackId)
      reply.header('link', `<${pathname}?${searchParams.toString()}>; rel="next"`)
    }
    return page.map((postback) => ({
      call_uuid: postback.callUuid,
      campaign_id: postback.campaignId,
      buyer_id: postback.buyerId,
      ...showPostback(postback),
      in_words: `arrived ${explainPostback(postback)}`,
    }))
  })
}
