import {
  addTags,
  type CallEnded,
  type CallPending,
  lockCalls,
  markEnded,
  markPending,
} from '../db/calls.ts'
import { type LegProgress, updateLegs } from '../db/legs.ts'
import { findKeptPostbacks } from '../db/postbacks.ts'
import type { Queryable } from '../db/queryable.ts'
import { type CallRecord, wholeSeconds } from '../domain/call.ts'
import { parsePostback, type Postback } from '../domain/postback.ts'
import { decideAtHangup, decideAtTimeout } from '../domain/settlement.ts'
import { releasePlaces } from './caps.ts'
import type { FlowDeps } from './flow-deps.ts'
import { agoToDate, dateOf, type LegFacts, legProgress, readMoment } from './leg-facts.ts'
import { tagCall, watchTags } from './posted-tags.ts'
import {
  applyPostback,
  chooseGroup,
  decide,
  logDecisions,
  type OpenCall,
  openCalls,
  settlementFacts,
  storeDecisions,
  watchDuplicates,
} from './settle-call.ts'

/** The end of a call as the process that held it saw it. */
export interface CallEnd extends Omit<CallEnded, 'endedAt'> {
  /** On the monotonic clock of this process (`performance.now()`): storing it may have to wait. */
  readonly endedAtMs: number
  /** What became of the legs that were still open. */
  readonly legs: readonly LegFacts[]
}

/**
 * Ends calls, chooses their conversion groups and decides them as far as their ends decide them; the others
 * wait for a postback. A call that has ended already stays as it is; where it has lasted for another time than that says,
 * because another process took this one for dead and closed it, that is logged. @see behaviour B8, B9, B13
 */
export async function endCalls(deps: FlowDeps, ends: readonly CallEnd[]): Promise<void> {
  const { closed, ended } = await deps.database.transaction(async (db) => {
    const callUuids = ends.map(({ callUuid }) => callUuid)
    const [locked, moment] = await Promise.all([lockCalls(db, callUuids), readMoment(db)])
    const now = moment.at
    const legs = ends.flatMap(({ callUuid, legs }) =>
      legs.map((leg) => legProgress(callUuid, leg, moment)),
    )
    const ended = ends.map((end) => ({
      ...end,
      endedAt: dateOf(moment, end.endedAtMs),
      connectedMs: end.connectedMs === undefined ? undefined : Math.round(end.connectedMs),
      totalMs: Math.round(end.totalMs),
    }))
    return { closed: await closeCalls(db, deps, { locked, ended, legs, now }), ended }
  })
  afterClosing(deps, closed)
  logTooLate(deps, ended, closed.endedBefore)
}

/** An end that was stored before, and only not acknowledged, says the same again. */
function logTooLate(
  { log }: FlowDeps,
  ended: readonly CallEnded[],
  endedBefore: Closed['endedBefore'],
): void {
  for (const { callUuid, connectedMs } of ended) {
    const stored = endedBefore.get(callUuid)
    if (!stored || (stored.connectedMs ?? 0) === (connectedMs ?? 0)) continue
    const fields = { call_uuid: callUuid, connected_ms: connectedMs, stored_ms: stored.connectedMs }
    log.warn('fact.too_late', { fact: 'ended', ...fields })
  }
}

export interface Closing {
  readonly locked: readonly string[]
  readonly ended: readonly CallEnded[]
  readonly legs: readonly LegProgress[]
  readonly now: Date
}

/** What was closed. */
export interface Closed {
  readonly open: readonly OpenCall[]
  /** Those that had ended before, by UUID. */
  readonly endedBefore: ReadonlyMap<string, CallRecord>
  readonly queued: number
}

/** Closes locked calls in a transaction that is under way. */
export async function closeCalls(
  db: Queryable,
  deps: FlowDeps,
  { locked, ended, legs, now }: Closing,
): Promise<Closed> {
  const all = await openCalls(db, deps, locked)
  const endOf = new Map(ended.map((end) => [end.callUuid, end]))
  const open = [...all.values()].filter(({ call }) => call.state !== 'ended')
  const calls = [...all.values()].map(({ call }) => call)
  const over = calls.filter(({ state }) => state === 'ended')
  const endedBefore = new Map(over.map((call) => [call.callUuid, call]))
  const closing = new Set(open.map(({ call }) => call.callUuid))
  // Of those that had ended as well: whatever place one still holds would stay taken for good.
  const leaving = locked.map((callUuid) => ({ callUuid }))
  const [kept] = await Promise.all([
    keptByCall(db, open),
    markEnded(
      db,
      ended.filter(({ callUuid }) => closing.has(callUuid)),
    ),
    updateLegs(db, legs),
    releasePlaces(db, leaving, now),
  ])
  const tagged = watchTags(open)
  for (const one of open) {
    const { callUuid } = one.call
    putEnd(one, endOf.get(callUuid), kept.get(callUuid) ?? [])
  }
  const isDuplicate = await watchDuplicates(db, open)
  const pending = open.flatMap((one) => {
    const { callUuid } = one.call
    return settleAtEnd(one, kept.get(callUuid) ?? [], isDuplicate, now) ?? []
  })
  const [queued] = await Promise.all([
    storeDecisions(db, deps, open, now),
    markPending(db, pending),
    addTags(db, tagged()),
  ])
  return { open, endedBefore, queued }
}

/** What is told once calls are closed and committed. */
export function afterClosing(
  deps: FlowDeps,
  { open, queued }: Pick<Closed, 'open' | 'queued'>,
): void {
  for (const { call, group, state } of open) {
    const { callUuid, campaignId, buyerId, hungUpBy, sipStatus, connectedMs, totalMs } = call
    const { conversion } = state
    deps.log.info('call.ended', {
      call_uuid: callUuid,
      campaign_id: campaignId,
      buyer_id: buyerId,
      hung_up_by: hungUpBy,
      sip_status: sipStatus,
      connected_ms: connectedMs,
      total_ms: totalMs,
      conversion,
      group_id: group?.groupId,
    })
  }
  logDecisions(deps, open)
  if (queued > 0) deps.wakeDelivery()
}

function putEnd(open: OpenCall, end: CallEnded | undefined, kept: readonly Kept[]): void {
  if (!end) return
  for (const { postback } of kept) tagCall(open, postback)
  const { endedAt, totalMs, hungUpBy, sipStatus } = end
  const connectedMs = open.call.answeredAt ? (end.connectedMs ?? 0) : undefined
  open.call = {
    ...open.call,
    state: 'ended',
    endedAt,
    connectedMs,
    totalMs,
    hungUpBy,
    sipStatus: sipStatus ?? open.call.sipStatus,
  }
  open.group = chooseGroup(open.call, open.rules)
}

/** A postback that waits for the end of the call, of the buyer that got it. */
interface Kept {
  readonly postbackId: string
  readonly postback: Postback
}

async function keptByCall(
  db: Queryable,
  open: readonly OpenCall[],
): Promise<ReadonlyMap<string, readonly Kept[]>> {
  const answered = open.filter(({ call }) => call.answeredAt)
  const kept = await findKeptPostbacks(
    db,
    answered.map(({ call }) => call.callUuid),
  )
  const byCall = new Map<string, Kept[]>()
  for (const { callUuid, postbackId, text } of kept) {
    const parsed = parsePostback(text)
    if (parsed.kind === 'malformed') continue
    const { postback } = parsed
    byCall.set(callUuid, [...(byCall.get(callUuid) ?? []), { postbackId, postback }])
  }
  return byCall
}

/** Decides the call, or says until when it waits. */
function settleAtEnd(
  open: OpenCall,
  kept: readonly Kept[],
  isDuplicate: (open: OpenCall) => boolean,
  now: Date,
): CallPending | undefined {
  const { call, group } = open
  const facts = () => settlementFacts(open, isDuplicate, now)
  const atHangup = decideAtHangup(group, wholeSeconds(call.connectedMs), facts())
  if (atHangup !== 'pending') {
    decide(open, atHangup)
    return undefined
  }
  open.state = { ...open.state, conversion: 'pending' }
  for (const one of kept) applyPostback(open, one, facts())
  if (open.state.conversion !== 'pending' || group?.kind !== 'postback') return undefined
  if (group.postbackTimeoutSeconds === 0) {
    decide(open, decideAtTimeout(group))
    return undefined
  }
  const settleAt = agoToDate(call.endedAt ?? now, -group.postbackTimeoutSeconds * 1000)
  return { callUuid: call.callUuid, conversionGroupId: group.groupId, settleAt }
}
