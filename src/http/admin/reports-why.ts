import type { FastifyInstance } from 'fastify'
import { type CallDetails, findCall } from '../../db/call-records.ts'
import { listPostbacks, listSettlements } from '../../db/call-trail.ts'
import { campaignRules } from '../../db/configurations.ts'
import type { Queryable } from '../../db/queryable.ts'
import { wholeSeconds } from '../../domain/call.ts'
import { explainCall } from '../../domain/explain.ts'
import { parseCallUuid } from '../call-uuid.ts'
import { sendProblem } from '../errors.ts'

/** `GET /calls/{uuid}/why`: the decision about a call in words. @see behaviour B15 */
export function registerWhy(app: FastifyInstance, db: Queryable): void {
  app.get<{ Params: { uuid: string } }>('/calls/:uuid/why', async (request, reply) => {
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
