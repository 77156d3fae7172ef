import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import {
  type CallFilters,
  type CallDetails,
  type CallOverview,
  findCall,
  listCalls,
} from '../../db/call-records.ts'
import { listDeliveries, listPostbacks, listSettlements } from '../../db/call-trail.ts'
import type { Database, Queryable } from '../../db/queryable.ts'
import { normaliseNumber } from '../../domain/number.ts'
import { lowestUuidAt, parseCallUuid } from '../call-uuid.ts'
import { sendProblem } from '../errors.ts'
import { goneOf } from '../gone.ts'
import { type AnswerDescription, described, json, page } from '../openapi/route-description.ts'
import { callState } from './answer-fields.ts'
import { CALL_ANSWER, CALL_DETAILS_ANSWER, showCall, showCallDetails } from './call-answer.ts'
import { Instant, pageOf, PageSize, readQuery, Uuid } from './query.ts'
import { type Search, SEARCH_PROBLEMS } from './search.ts'
import { buildTimeline, TIMELINE_ANSWER } from './timeline.ts'
import { POSTBACK_ANSWER, SETTLEMENT_ANSWER, showPostback, showSettlement } from './trail.ts'

/** What the resources of calls need from around them. */
export interface CallsDeps {
  readonly database: Database
}

const Caller = z.string().transform((text, context) => {
  const number = normaliseNumber(text)
  if (number === undefined) context.addIssue('must be a number, such as +12125550100')
  return number ?? z.NEVER
})

/** Calls of a publisher or buyer are looked for among all others. */
const DAYS_LISTED = 31
const DAY_MS = 86_400_000

const ListQuery = z.strictObject({
  campaign: z.string().optional(),
  publisher: z.string().optional(),
  buyer: z.string().optional(),
  caller: Caller.optional().describe('A number, such as `+12125550100`.'),
  state: callState.optional(),
  created_from: Instant.optional().describe(
    `The first instant that is listed. With publisher or buyer, and no caller, ${DAYS_LISTED} days ago (or before ` +
      '`created_to`) unless said.',
  ),
  created_to: Instant.optional().describe('The first instant that is not.'),
  limit: PageSize,
  before: Uuid.optional().describe('From the `next` link: the last call of the page before.'),
})
type ListQuery = z.infer<typeof ListQuery>

const ByCallQuery = z.strictObject({ call: Uuid })
const CallParams = z.object({ uuid: Uuid })

const LIST = described({
  group: 'Calls',
  summary: 'Lists calls, the newest first',
  query: ListQuery,
  answers: { 200: page('A page of calls.', z.array(CALL_ANSWER)) },
  problems: SEARCH_PROBLEMS,
})

const aboutCall = (summary: string, answer: AnswerDescription) =>
  described({
    group: 'Calls',
    summary,
    params: CallParams,
    answers: { 200: answer },
    problems: ['not_found'],
  })

const GET = aboutCall('Gives a call', json('The call.', CALL_DETAILS_ANSWER))
const TIMELINE = aboutCall(
  'Tells everything that happened to a call',
  json('Events in order.', TIMELINE_ANSWER),
)

/** `GET /calls`, `/calls/{uuid}`, its timeline, and what belongs to one call. */
export function registerCalls(app: FastifyInstance, { database }: CallsDeps, search: Search): void {
  app.get('/calls', LIST, async (request, reply) => {
    const query = readQuery(ListQuery, request.query, reply)
    if (!query) return reply
    const found = await search(
      (db) => listCalls(db, filtersOf(query), query.limit + 1),
      goneOf(reply),
    )
    const keyOf = ({ callUuid }: CallOverview) => callUuid
    return pageOf(found, reply, { limit: query.limit, keyOf }).map(showCall)
  })

  app.get<{ Params: { uuid: string } }>('/calls/:uuid', GET, async (request, reply) => {
    const call = await findCallByText(database, request.params.uuid)
    return call ? showCallDetails(call) : sendProblem(reply, 'not_found')
  })

  app.get<{ Params: { uuid: string } }>(
    '/calls/:uuid/timeline',
    TIMELINE,
    async (request, reply) => {
      const call = await findCallByText(database, request.params.uuid)
      if (!call) return sendProblem(reply, 'not_found')
      const [postbacks, settlements, deliveries] = await Promise.all([
        listPostbacks(database, call.callUuid),
        listSettlements(database, call.callUuid),
        listDeliveries(database, call.callUuid),
      ])
      return buildTimeline({ call, postbacks, settlements, deliveries })
    },
  )

  registerTrail(app, database)
}

function registerTrail(app: FastifyInstance, database: Queryable): void {
  const postbacks = ofCall('Lists the postbacks of a call, in the order they came', POSTBACK_ANSWER)
  app.get('/postbacks', postbacks, async (request, reply) => {
    const query = readQuery(ByCallQuery, request.query, reply)
    return query ? (await listPostbacks(database, query.call)).map(showPostback) : reply
  })
  const settlements = ofCall('Lists what the ledger has of a call', SETTLEMENT_ANSWER)
  app.get('/settlements', settlements, async (request, reply) => {
    const query = readQuery(ByCallQuery, request.query, reply)
    return query ? (await listSettlements(database, query.call)).map(showSettlement) : reply
  })
}

const ofCall = (summary: string, entry: z.ZodType) =>
  described({
    group: 'Calls',
    summary,
    query: ByCallQuery,
    answers: { 200: json('All of them; none where there is no such call.', z.array(entry)) },
  })

async function findCallByText(db: Queryable, text: string): Promise<CallDetails | undefined> {
  const callUuid = parseCallUuid(text)
  return callUuid === undefined ? undefined : findCall(db, callUuid)
}

function firstListed({ created_from: from, created_to: to, ...query }: ListQuery): Date {
  const isByIndex =
    query.caller !== undefined || (query.publisher === undefined && query.buyer === undefined)
  if (from || isByIndex) return from ?? new Date(0)
  return new Date((to?.getTime() ?? Date.now()) - DAYS_LISTED * DAY_MS)
}

function filtersOf(query: ListQuery): CallFilters {
  const ends = [query.before, query.created_to && lowestUuidAt(query.created_to)]
  return {
    campaignId: query.campaign,
    publisherId: query.publisher,
    buyerId: query.buyer,
    callerNumber: query.caller,
    state: query.state,
    fromUuid: lowestUuidAt(firstListed(query)),
    beforeUuid: ends.filter((end) => end !== undefined).sort()[0],
  }
}
