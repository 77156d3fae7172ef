import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { searchPostbacks } from '../../db/postback-log.ts'
import { explainPostback } from '../../domain/explain.ts'
import { goneOf } from '../gone.ts'
import { described, page } from '../openapi/route-description.ts'
import { Instant, pageOf, PageSize, readQuery } from './query.ts'
import { type Search, SEARCH_PROBLEMS } from './search.ts'
import { POSTBACK_ANSWER, showPostback } from './trail.ts'

const Query = z.strictObject({
  campaign: z.string().optional(),
  buyer: z.string().optional(),
  status: z.string().optional(),
  reason: z.string().optional(),
  source: z.string().optional(),
  text: z
    .string()
    .max(256)
    .optional()
    .describe('Stands somewhere in the query or body, as it was sent.'),
  from: Instant.optional().describe('The first instant that is looked at; a week ago unless said.'),
  to: Instant.optional().describe('The first instant that is not.'),
  limit: PageSize,
  before: z
    .uuid()
    .optional()
    .describe('From the `next` link: the last postback of the page before.'),
})

const SEARCH = described({
  group: 'Reports',
  summary:
    'Searches all requests to `set_value` whose call exists, refused ones too, the newest first',
  query: Query,
  answers: {
    200: page(
      'A page of postbacks.',
      z.array(
        POSTBACK_ANSWER.extend({
          call_uuid: z.uuid(),
          campaign_id: z.string(),
          buyer_id: z.string().nullable(),
          in_words: z.string(),
        }).meta({ id: 'LoggedPostback' }),
      ),
    ),
  },
  problems: SEARCH_PROBLEMS,
})

/** `GET /postback-log`: every request whose call exists, refused ones too, newest first. @see behaviour B15 */
export function registerPostbackSearch(app: FastifyInstance, search: Search): void {
  app.get('/postback-log', SEARCH, async (request, reply) => {
    const query = readQuery(Query, request.query, reply)
    if (!query) return reply
    const { limit, ...filters } = query
    const found = await search((db) => searchPostbacks(db, filters, limit + 1), goneOf(reply))
    const entries = pageOf(found, reply, { limit, keyOf: ({ postbackId }) => postbackId })
    return entries.map((postback) => ({
      call_uuid: postback.callUuid,
      campaign_id: postback.campaignId,
      buyer_id: postback.buyerId,
      ...showPostback(postback),
      in_words: `arrived ${explainPostback(postback)}`,
    }))
  })
}
