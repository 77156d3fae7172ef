import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { listDeliveries } from '../../db/call-trail.ts'
import {
  countMatching,
  type ResendFilters,
  resendMany,
  resendOne,
} from '../../db/delivery-resend.ts'
import type { Database } from '../../db/queryable.ts'
import { parseDeliveryId } from '../../domain/delivery.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { lowestUuidAt } from '../call-uuid.ts'
import { sendProblem } from '../errors.ts'
import { Instant, readQuery } from './query.ts'
import { showDelivery } from './trail.ts'

/** What the resources of deliveries need from around them. */
export interface DeliveriesDeps {
  readonly database: Database
  /** Tells the worker that something is due; without it the worker finds it by its poll. */
  readonly wakeDelivery?: () => void
  readonly logger: Logger
}

const RESEND_MAX = 10_000

const ResendQuery = z.strictObject({
  state: z.enum(['failed', 'delivered']).default('failed'),
  /** When the first call of the range began; the last one is before `created_to`. */
  created_from: Instant,
  created_to: Instant.optional(),
  campaign: z.string().optional(),
  tracking_url: z.string().optional(),
  host: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(RESEND_MAX).default(RESEND_MAX),
  dry_run: z.enum(['true', 'false']).optional(),
})
type ResendQuery = z.infer<typeof ResendQuery>

/**
 * `GET /deliveries/{id}`, `POST /deliveries/{id}/resend`, and `POST /deliveries/resend` for a range. A
 * delivery that is sent again keeps its id and the attempts it has had. @see behaviour B14
 */
export function registerDeliveries(app: FastifyInstance, deps: DeliveriesDeps): void {
  app.get<{ Params: { id: string } }>('/deliveries/:id', async (request, reply) => {
    const shown = await findDelivery(deps.database, request.params.id)
    return shown ?? sendProblem(reply, 'not_found')
  })
  app.post<{ Params: { id: string } }>('/deliveries/:id/resend', async (request, reply) =>
    resend(deps, request.params.id, reply),
  )
  app.post('/deliveries/resend', async (request, reply) => {
    const query = readQuery(ResendQuery, request.query, reply)
    return query ? resendRange(deps, query) : reply
  })
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

async function resend(deps: DeliveriesDeps, id: string, reply: FastifyReply): Promise<unknown> {
  const name = parseDeliveryId(id)
  const result = name ? await resendOne(deps.database, name) : 'unknown'
  if (result === 'unknown') return sendProblem(reply, 'not_found')
  deps.logger.info('delivery.resent', { delivery_id: id, result })
  deps.wakeDelivery?.()
  return { id, state: 'queued', result }
}

async function resendRange(deps: DeliveriesDeps, query: ResendQuery): Promise<object> {
  const filters = filtersOf(query)
  const isDryRun = query.dry_run === 'true'
  const { count, isMore } = isDryRun
    ? await countMatching(deps.database, filters, query.limit)
    : await resendMany(deps.database, filters, query.limit)
  if (!isDryRun) {
    deps.logger.info('delivery.resent', { ...query, count })
    deps.wakeDelivery?.()
  }
  return { dry_run: isDryRun, count, more: isMore }
}

function filtersOf(query: ResendQuery): ResendFilters {
  return {
    state: query.state,
    fromUuid: lowestUuidAt(query.created_from),
    toUuid: query.created_to && lowestUuidAt(query.created_to),
    campaignId: query.campaign,
    trackingUrlId: query.tracking_url,
    host: query.host,
  }
}
