import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { insertAct } from '../../db/audit.ts'
import { listDeliveries } from '../../db/call-trail.ts'
import {
  countMatching,
  type FindDeliveries,
  type RecordDone,
  type ResendFilters,
  type Resent,
  type ResentPart,
  resendMany,
  resendOne,
} from '../../db/delivery-resend.ts'
import { listFailed } from '../../db/failed-deliveries.ts'
import type { Database } from '../../db/queryable.ts'
import type { Actor } from '../../domain/audit.ts'
import { deliveryId, parseDeliveryId } from '../../domain/delivery.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { actorOf } from '../auth.ts'
import { lowestUuidAt } from '../call-uuid.ts'
import { sendProblem } from '../errors.ts'
import { goneOf } from '../gone.ts'
import { described, json, page } from '../openapi/route-description.ts'
import { textOrNull } from './answer-fields.ts'
import { Instant, pageOf, PageSize, readQuery, Uuid } from './query.ts'
import { type Search, SEARCH_PROBLEMS } from './search.ts'
import { DELIVERY_ANSWER, FAILED_DELIVERY_ANSWER, showDelivery, showFailed } from './trail.ts'

/** What the resources of deliveries need from around them. */
export interface DeliveriesDeps {
  readonly database: Database
  /** Tells the worker that something is due; without it the worker finds it by its poll. */
  readonly wakeDelivery?: () => void
  readonly logger: Logger
}

const RESEND_MAX = 10_000
/** Then what is left is left to the next request. */
const RESEND_MAX_MS = 20_000
/** That, and the search and transaction which have begun by then. */
const RESEND_SILENCE_MS = 45_000

/** The id of a delivery in a query. */
const DeliveryId = z.string().transform((text, context) => {
  const name = parseDeliveryId(text)
  if (!name) context.addIssue('must be the id of a delivery')
  return name ?? z.NEVER
})

const ResendQuery = z.strictObject({
  state: z.enum(['failed', 'delivered']).default('failed'),
  created_from: Instant.describe(
    'When the first call of the range began; the last one is before `created_to`.',
  ),
  created_to: Instant.optional(),
  campaign: z.string().optional(),
  tracking_url: z.string().optional(),
  host: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(RESEND_MAX).default(RESEND_MAX),
  after: DeliveryId.optional().describe('The `last` of the request before: goes on behind it.'),
  dry_run: z.enum(['true', 'false']).optional(),
})
type ResendQuery = z.infer<typeof ResendQuery>

const ListQuery = z
  .strictObject({
    call: Uuid.optional().describe('All of one call, whatever has become of them; by itself.'),
    state: z.literal('failed').optional().describe('Those that were given up, of all calls.'),
    campaign: z.string().optional(),
    tracking_url: z.string().optional(),
    host: z.string().optional(),
    created_from: Instant.optional().describe(
      'When the first call began; the last one is before `created_to`.',
    ),
    created_to: Instant.optional(),
    limit: PageSize,
    before: DeliveryId.optional().describe(
      'From the `next` link: the last delivery of the page before.',
    ),
  })
  .refine(({ call, state }) => (call === undefined) !== (state === undefined), {
    path: ['state'],
    message: 'must be failed, unless all deliveries of one call are asked for',
  })
type ListQuery = z.infer<typeof ListQuery>

const DeliveryParams = z.object({ id: z.string().describe('As in `webhook-id`.') })

const LIST = described({
  group: 'Deliveries',
  summary: 'Lists the deliveries of a call, or those of all calls that have failed',
  query: ListQuery,
  answers: {
    200: page(
      'All deliveries of the call, or a page of those that have failed, which say of which call they are.',
      z.array(z.union([FAILED_DELIVERY_ANSWER, DELIVERY_ANSWER])),
    ),
  },
  problems: SEARCH_PROBLEMS,
})
const GET = described({
  group: 'Deliveries',
  summary: 'Gives a delivery with its attempts',
  params: DeliveryParams,
  answers: { 200: json('The delivery.', DELIVERY_ANSWER) },
  problems: ['not_found'],
})
const RESEND = described({
  group: 'Deliveries',
  summary: 'Sends a delivery again, under the same id',
  params: DeliveryParams,
  answers: {
    200: json(
      'It is queued.',
      z.object({
        id: z.string(),
        state: z.literal('queued'),
        result: z.enum(['queued_again', 'hurried']),
      }),
    ),
  },
  problems: ['not_found'],
})
const RESEND_RANGE = described({
  group: 'Deliveries',
  summary: 'Sends all deliveries of a range again',
  details: 'With `dry_run=true` it only counts them.',
  query: ResendQuery,
  answers: {
    200: json(
      'They are queued, or counted.',
      z.object({
        dry_run: z.boolean(),
        count: z.int(),
        more: z
          .boolean()
          .describe('Whether the range may hold more: than `limit`, or than there was time for.'),
        last: textOrNull.describe('The id of the last one; send it as `after` to go on behind it.'),
      }),
    ),
  },
  problems: SEARCH_PROBLEMS,
})

/**
 * `GET /deliveries` of a call or of all that failed, `GET /deliveries/{id}`, `POST /deliveries/{id}/resend`, and
 * `POST /deliveries/resend` for a range. A delivery that is sent again keeps its id and the attempts it has had. @see behaviour B14
 */
export function registerDeliveries(
  app: FastifyInstance,
  deps: DeliveriesDeps,
  search: Search,
): void {
  app.get('/deliveries', LIST, async (request, reply) => {
    const query = readQuery(ListQuery, request.query, reply)
    if (!query) return reply
    const { call } = query
    return call === undefined
      ? showFailedPage(search, query, reply)
      : (await listDeliveries(deps.database, call)).map((each) => showDelivery(call, each))
  })
  app.get<{ Params: { id: string } }>('/deliveries/:id', GET, async (request, reply) => {
    const shown = await findDelivery(deps.database, request.params.id)
    return shown ?? sendProblem(reply, 'not_found')
  })
  app.post<{ Params: { id: string } }>('/deliveries/:id/resend', RESEND, async (request, reply) =>
    resend(deps, request, reply),
  )
  app.post('/deliveries/resend', RESEND_RANGE, async (request, reply) => {
    const query = readQuery(ResendQuery, request.query, reply)
    if (!query) return reply
    reply.raw.setTimeout(RESEND_SILENCE_MS, () => reply.raw.destroy())
    const find: FindDeliveries = (work) => search(work, goneOf(reply))
    return resendRange(deps, find, { query, by: actorOf(request) })
  })
}

async function showFailedPage(
  search: Search,
  query: ListQuery,
  reply: FastifyReply,
): Promise<readonly object[]> {
  const filters = { ...rangeOf(query), before: query.before }
  const found = await search((db) => listFailed(db, filters, query.limit + 1), goneOf(reply))
  return pageOf(found, reply, { limit: query.limit, keyOf: deliveryId }).map(showFailed)
}

async function findDelivery(database: Database, id: string): Promise<object | undefined> {
  const name = parseDeliveryId(id)
  if (!name) return undefined
  const deliveries = await listDeliveries(database, name.callUuid)
  const found = deliveries.find(
    ({ trackingUrlId, occurrence }) =>
      trackingUrlId === name.trackingUrlId && occurrence === name.occurrence,
  )
  return found && showDelivery(name.callUuid, found)
}

async function resend(
  deps: DeliveriesDeps,
  request: FastifyRequest<{ Params: { id: string } }>,
  reply: FastifyReply,
): Promise<unknown> {
  const { id } = request.params
  const name = parseDeliveryId(id)
  const record: RecordDone<Resent> = (db, result) =>
    insertAct(db, actorOf(request), { what: 'delivery.resent', subject: id, details: { result } })
  const result = name ? await resendOne(deps.database, name, record) : 'unknown'
  if (result === 'unknown') return sendProblem(reply, 'not_found')
  deps.logger.info('delivery.resent', { delivery_id: id, result })
  deps.wakeDelivery?.()
  return { id, state: 'queued', result }
}

async function resendRange(
  deps: DeliveriesDeps,
  find: FindDeliveries,
  { query, by }: { readonly query: ResendQuery; readonly by: Actor },
): Promise<object> {
  const filters = filtersOf(query)
  const { dry_run, limit, after, ...asked } = query
  if (dry_run === 'true')
    return showPart(true, await countMatching(find, filters, { after, limit }))
  const record: RecordDone<number> = (db, count) =>
    insertAct(db, by, { what: 'deliveries.resent', details: { ...asked, count } })
  const endsAtMs = performance.now() + RESEND_MAX_MS
  const part = await resendMany(deps.database, filters, { after, limit, find, record, endsAtMs })
  const { count, failure: error } = part
  if (error !== undefined) deps.logger.warn('delivery.resend_ended_early', { ...asked, error })
  deps.logger.info('delivery.resent', { ...asked, count })
  deps.wakeDelivery?.()
  return showPart(false, part)
}

const showPart = (dryRun: boolean, { count, isMore, last }: ResentPart) => ({
  dry_run: dryRun,
  count,
  more: isMore,
  last: last ? deliveryId(last) : null,
})

function filtersOf(query: ResendQuery): ResendFilters {
  const { state, created_from } = query
  return { ...rangeOf(query), state, fromUuid: lowestUuidAt(created_from) }
}

function rangeOf(query: ResendQuery | ListQuery) {
  return {
    fromUuid: query.created_from && lowestUuidAt(query.created_from),
    toUuid: query.created_to && lowestUuidAt(query.created_to),
    campaignId: query.campaign,
    trackingUrlId: query.tracking_url,
    host: query.host,
  }
}
