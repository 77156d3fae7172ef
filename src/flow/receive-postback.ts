import { addTags, lockCalls } from '../db/calls.ts'
import { readClock } from '../db/clock.ts'
import { insertPostbacks, type NewPostback } from '../db/postbacks.ts'
import { type Amount, parseDecimal, toAmount } from '../domain/money.ts'
import { parsePostback, type Postback, type PostbackText } from '../domain/postback.ts'
import type { ConversionState } from '../domain/settlement.ts'
import type { PostbackStatus } from '../domain/settlement-postback.ts'
import type { FlowDeps } from './flow-deps.ts'
import { createPostbackIds } from './postback-ids.ts'
import { tagCall, watchTags } from './posted-tags.ts'
import {
  applyPostback,
  logDecisions,
  type OpenCall,
  openCalls,
  settlementFacts,
  storeDecisions,
  watchDuplicates,
} from './settle-call.ts'

/** A buyer's request whose key has been checked. */
export interface PostbackRequest {
  readonly callUuid: string
  /** The leg that the key opens. */
  readonly leg: number
  /** Without the key. */
  readonly text: PostbackText
  readonly source: string
  readonly method: 'GET' | 'POST' | 'HEAD'
  /** The request says that nobody has asked for it yet, so it is not applied. */
  readonly isPrefetch: boolean
}

/** What the buyer is told. @see behaviour B16 */
export interface PostbackReply {
  readonly httpStatus: number
  readonly status: string
  readonly reason: string
  /** Null where the sender has no business with the call's money. */
  readonly conversion: ConversionState | null
  readonly revenue: Amount | null
  readonly payout: Amount | null
}

const nextPostbackId = createPostbackIds(Date.now)

interface Verdict {
  readonly httpStatus: number
  readonly status: string
  readonly reason: string
  readonly postback?: Postback
}

/**
 * Takes postbacks in: each is stored with what it led to, and what follows from it is decided, in one
 * transaction for all. A reply means that it is on disk.
 * @throws when it could not be stored; the buyer has to send it again
 */
export async function receivePostbacks(
  deps: FlowDeps,
  requests: readonly PostbackRequest[],
): Promise<readonly PostbackReply[]> {
  const { replies, open, queued } = await deps.database.transaction(async (db) => {
    const callUuids = [...new Set(requests.map(({ callUuid }) => callUuid))]
    const [locked, now] = await Promise.all([lockCalls(db, callUuids), readClock(db)])
    const open = await openCalls(db, deps, locked)
    const isDuplicate = await watchDuplicates(db, open.values())
    const tagged = watchTags(open.values())

    const taken = requests.map((request) =>
      take(request, open.get(request.callUuid), isDuplicate, now),
    )
    const records = taken.flatMap(({ record }) => record ?? [])
    const [queued] = await Promise.all([
      storeDecisions(db, deps, open.values(), now),
      addTags(db, tagged()),
      insertPostbacks(db, records),
    ])
    return { replies: taken.map(({ reply }) => reply), open, queued }
  })
  logDecisions(deps, open.values())
  if (queued > 0) deps.wakeDelivery()
  return replies
}

interface Taken {
  readonly reply: PostbackReply
  readonly record: NewPostback | undefined
}

function take(
  request: PostbackRequest,
  open: OpenCall | undefined,
  isDuplicate: (open: OpenCall) => boolean,
  now: Date,
): Taken {
  if (!open) return { reply: UNKNOWN_CALL, record: undefined }
  const postbackId = nextPostbackId()
  const verdict = judge(request, open) ?? apply(request, open, postbackId, { isDuplicate, now })
  const { httpStatus, status, reason, postback } = verdict
  const { conversion, revision } = open.state
  const isStranger = reason === LEG_NOT_BRIDGED.reason
  const money = isStranger ? NO_MONEY : { conversion, ...amountsOf(open) }
  return {
    reply: { httpStatus, status, reason, ...money },
    record: {
      callUuid: request.callUuid,
      postbackId,
      receivedAt: now,
      source: request.source,
      method: request.method,
      text: request.text,
      leg: request.leg,
      httpStatus,
      status,
      reason,
      conversion,
      revision,
      revenueText: postback?.revenueText,
      txid: postback?.txid,
    },
  }
}

const NO_MONEY = { conversion: null, revenue: null, payout: null }

const UNKNOWN_CALL: PostbackReply = {
  httpStatus: 404,
  status: 'refused',
  reason: 'unknown_call',
  ...NO_MONEY,
}

/** A buyer that was rung learns nothing of what the call is worth to the one who got it. @see behaviour B7 */
const LEG_NOT_BRIDGED: Verdict = { httpStatus: 403, status: 'refused', reason: 'leg_not_bridged' }

/** What keeps the postback from being looked at, if anything does. */
function judge({ isPrefetch, leg }: PostbackRequest, { call }: OpenCall): Verdict | undefined {
  if (call.state !== 'ringing' && call.bridgedLeg !== leg) return LEG_NOT_BRIDGED
  if (isPrefetch) return { httpStatus: 200, status: 'ignored', reason: 'prefetch' }
  return undefined
}

function apply(
  { text, leg }: PostbackRequest,
  open: OpenCall,
  postbackId: string,
  { isDuplicate, now }: { isDuplicate: (open: OpenCall) => boolean; now: Date },
): Verdict {
  const parsed = parsePostback(text)
  if (parsed.kind === 'malformed') {
    return { httpStatus: 400, status: 'refused', reason: parsed.reason }
  }
  const { postback } = parsed
  // While it rings any buyer may be the one; what the others say is nothing to the call.
  if (open.call.bridgedLeg === leg) tagCall(open, postback)
  const facts = settlementFacts(open, isDuplicate, now)
  const { status, reason } = applyPostback(open, { postback, postbackId }, facts)
  return { httpStatus: HTTP_STATUS[status], status, reason, postback }
}

const HTTP_STATUS: Readonly<Record<PostbackStatus, number>> = {
  converted: 200,
  pending: 200,
  adjusted: 200,
  duplicate: 200,
  ignored: 200,
  rejected: 409,
  too_late: 410,
  refused: 400,
}

/** The amounts as they stand after the newest decision. */
function amountsOf({ decided, call, digits }: OpenCall): Pick<PostbackReply, 'revenue' | 'payout'> {
  const newest = decided.at(-1)?.decision
  const { revenue, payout } = newest ?? call
  return { revenue: amountOrNull(revenue, digits), payout: amountOrNull(payout, digits) }
}

function amountOrNull(amount: Amount | undefined, digits: number): Amount | null {
  const exact = amount === undefined ? undefined : parseDecimal(amount)
  return exact ? toAmount(exact, digits) : null
}
