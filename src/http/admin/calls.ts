import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import {
  type CallFilters,
  type CallDetails,
  type CallOverview,
  findCall,
  type LegOverview,
  listCalls,
} from '../../db/call-records.ts'
import { listDeliveries, listPostbacks, listSettlements } from '../../db/call-trail.ts'
import type { Database, Queryable } from '../../db/queryable.ts'
import { wholeSeconds } from '../../domain/call.ts'
import { normaliseNumber } from '../../domain/number.ts'
import { lowestUuidAt, parseCallUuid } from '../call-uuid.ts'
import { sendProblem } from '../errors.ts'
import { Instant, nextLink, PageSize, readQuery, Uuid } from './query.ts'
import { buildTimeline } from './timeline.ts'
import { showLeftOut, showPostback, showSettlement } from './trail.ts'

/** What the resources of calls need from around them. */
export interface CallsDeps {
  readonly database: Database
}

const Caller = z.string().transform((text, context) => {
  const number = normaliseNumber(text)
  if (number === undefined) context.addIssue('must be a number, such as +12125550100')
  return number ?? z.NEVER
})

const ListQuery = z.strictObject({
  campaign: z.string().optional(),
  publisher: z.string().optional(),
  buyer: z.string().optional(),
  caller: Caller.optional(),
  state: z.enum(['ringing', 'bridged', 'ended']).optional(),
  /** The first instant that is listed. */
  created_from: Instant.optional(),
  /** The first instant that is not. */
  created_to: Instant.optional(),
  limit: PageSize,
  /** From the `next` link: the last call of the page before. */
  before: Uuid.optional(),
})
type ListQuery = z.infer<typeof ListQuery>

const ByCallQuery = z.strictObject({ call: Uuid })

/** `GET /calls`, `/calls/{uuid}`, its timeline, and what belongs to one call. */
export function registerCalls(app: FastifyInstance, { database }: CallsDeps): void {
  app.get('/calls', async (request, reply) => {
    const query = readQuery(ListQuery, request.query, reply)
    if (!query) return reply
    const found = await listCalls(database, filtersOf(query), query.limit + 1)
    const page = found.slice(0, query.limit)
    const last = page.at(-1)
    if (found.length > page.length && last) {
      reply.header('link', nextLink(request.url, last.callUuid))
    }
    return page.map(showCall)
  })

  app.get<{ Params: { uuid: string } }>('/calls/:uuid', async (request, reply) => {
    const call = await findCallByText(database, request.params.uuid)
    return call ? showCallDetails(call) : sendProblem(reply, 'not_found')
  })

  app.get<{ Params: { uuid: string } }>('/calls/:uuid/timeline', async (request, reply) => {
    const call = await findCallByText(database, request.params.uuid)
    if (!call) return sendProblem(reply, 'not_found')
    const [postbacks, settlements, deliveries] = await Promise.all([
      listPostbacks(database, call.callUuid),
      listSettlements(database, call.callUuid),
      listDeliveries(database, call.callUuid),
    ])
    return buildTimeline({ call, postbacks, settlements, deliveries })
  })

  registerTrail(app, database)
}

function registerTrail(app: FastifyInstance, database: Queryable): void {
  const lists = {
    '/postbacks': async (uuid: string) => (await listPostbacks(database, uuid)).map(showPostback),
    '/settlements': async (uuid: string) =>
      (await listSettlements(database, uuid)).map(showSettlement),
  }
  for (const [path, list] of Object.entries(lists)) {
    app.get(path, async (request, reply) => {
      const query = readQuery(ByCallQuery, request.query, reply)
      return query ? list(query.call) : reply
    })
  }
}

async function findCallByText(db: Queryable, text: string): Promise<CallDetails | undefined> {
  const callUuid = parseCallUuid(text)
  return callUuid === undefined ? undefined : findCall(db, callUuid)
}

function filtersOf(query: ListQuery): CallFilters {
  const ends = [query.before, query.created_to && lowestUuidAt(query.created_to)]
  return {
    campaignId: query.campaign,
    publisherId: query.publisher,
    buyerId: query.buyer,
    callerNumber: query.caller,
    state: query.state,
    fromUuid: query.created_from && lowestUuidAt(query.created_from),
    beforeUuid: ends.filter((end) => end !== undefined).sort()[0],
  }
}

/** A call in the API: snake_case, amounts as text, whole seconds. */
function showCall(call: CallOverview): object {
  return {
    uuid: call.callUuid,
    state: call.state,
    conversion: call.conversion,
    reason: call.reason,
    campaign_id: call.campaignId,
    publisher_id: call.publisherId,
    sub_id: call.subId,
    buyer_id: call.buyerId,
    caller_number: call.callerNumber,
    dialed_number: call.dialedNumber,
    started_at: call.startedAt,
    answered_at: call.answeredAt,
    ended_at: call.endedAt,
    connected_seconds: wholeSeconds(call.connectedMs ?? undefined) ?? null,
    total_seconds: wholeSeconds(call.totalMs ?? undefined) ?? null,
    hung_up_by: call.hungUpBy,
    end_reason: call.endReason,
    sip_status: call.sipStatus,
    settle_at: call.settleAt,
    settled_at: call.settledAt,
    conversion_name: call.conversionName,
    revenue: call.revenue,
    payout: call.payout,
    postback_value: call.postbackValue,
    late: call.late,
    duplicate: call.duplicate,
    tags: call.tags,
    legs: call.legs.map(showLeg),
  }
}

/** The same with the buyers that were left out, by reason. */
const showCallDetails = (call: CallDetails): object => ({
  ...showCall(call),
  left_out: call.leftOut.map((each) => ({ at: each.at, ...showLeftOut(each) })),
})

function showLeg(leg: LegOverview): object {
  return {
    leg: leg.leg,
    buyer_id: leg.buyerId,
    endpoint: leg.endpoint,
    dialled_at: leg.dialledAt,
    ringing_at: leg.ringingAt,
    answered_at: leg.answeredAt,
    ended_at: leg.endedAt,
    sip_status: leg.sipStatus,
    fault: leg.fault,
    reason: leg.reason,
  }
}
