import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type CallDetails, findCall } from '../../db/call-records.ts'
import { listPostbacks, listSettlements } from '../../db/call-trail.ts'
import { campaignRules } from '../../db/configurations.ts'
import type { Queryable } from '../../db/queryable.ts'
import { wholeSeconds } from '../../domain/call.ts'
import { explainCall } from '../../domain/explain.ts'
import { parseCallUuid } from '../call-uuid.ts'
import { sendProblem } from '../errors.ts'
import { described, json } from '../openapi/route-description.ts'
import { conversionState, settlementReason } from './answer-fields.ts'
import { Uuid } from './query.ts'

const WHY = described({
  group: 'Calls',
  summary: 'Tells in a sentence why a call is worth what it is',
  params: z.object({ uuid: Uuid }),
  answers: {
    200: json(
      'The decision in words.',
      z.object({
        call_uuid: z.uuid(),
        conversion: conversionState,
        reason: settlementReason.nullable(),
        in_words: z.string(),
      }),
    ),
  },
  problems: ['not_found'],
})

/** `GET /calls/{uuid}/why`: the decision about a call in words. @see behaviour B15 */
export function registerWhy(app: FastifyInstance, db: Queryable): void {
  app.get<{ Params: { uuid: string } }>('/calls/:uuid/why', WHY, async (request, reply) => {
    const callUuid = parseCallUuid(request.params.uuid)
    const call = callUuid === undefined ? undefined : await findCall(db, callUuid)
    if (!call) return sendProblem(reply, 'not_found')
    const { conversion, reason } = call
    return { call_uuid: call.callUuid, conversion, reason, in_words: await why(db, call) }
  })
}

async function why(db: Queryable, call: CallDetails): Promise<string> {
  const [postbacks, settlements] = await Promise.all([
    listPostbacks(db, call.callUuid),
    listSettlements(db, call.callUuid),
  ])
  const last = settlements.at(-1)
  const rules = last && (await campaignRules(db, call.campaignId, last.campaignVersion))
  return explainCall({
    conversion: call.conversion,
    reason: call.reason ?? undefined,
    campaignId: call.campaignId,
    connectedSeconds: wholeSeconds(call.connectedMs ?? undefined),
    settleAt: call.settleAt ?? undefined,
    settledAt: call.settledAt ?? undefined,
    revenue: call.revenue ?? undefined,
    payout: call.payout ?? undefined,
    late: call.late,
    conversionName: call.conversionName ?? undefined,
    group: rules?.conversionGroups.find(({ groupId }) => groupId === last?.groupId),
    leftOut: call.leftOut,
    postbacks,
  })
}
