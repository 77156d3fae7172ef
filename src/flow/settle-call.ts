import { loadCalls } from '../db/calls.ts'
import { enqueueDeliveries } from '../db/deliveries.ts'
import { type DedupeQuestion, findEarlierConversions } from '../db/earlier-conversions.ts'
import { findAppliedTxids, findKeptPostbacks, type KeptPostback } from '../db/postbacks.ts'
import type { Queryable } from '../db/queryable.ts'
import { appendSettlements } from '../db/settlements.ts'
import { type CallRecord, type MoneyTokens, tokenValues } from '../domain/call.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { chooseConversionGroup, type ConversionGroup } from '../domain/conversion-group.ts'
import { buildDeliveries, type NewDelivery } from '../domain/delivery.ts'
import type { NewEntry } from '../domain/ledger.ts'
import { minorUnitDigits } from '../domain/money.ts'
import { parsePostback, type Postback } from '../domain/postback.ts'
import {
  applyDecision,
  type Decision,
  hasConverted,
  NOTHING_DECIDED,
  type SettlementFacts,
  type SettlementState,
} from '../domain/settlement.ts'
import { decidePostback, isApplied, type PostbackOutcome } from '../domain/settlement-postback.ts'
import type { FlowDeps } from './flow-deps.ts'

/** A locked call that is being decided; `state` moves with each decision, nothing is stored yet. */
export interface OpenCall {
  call: CallRecord
  readonly rules: CampaignRules
  readonly digits: number
  group: ConversionGroup | undefined
  state: SettlementState
  readonly appliedTxids: string[]
  readonly decided: Decided[]
}

interface Decided {
  readonly decision: Decision
  readonly postbackId: string | undefined
  readonly replayId: string | undefined
  readonly convertedAt: Date | undefined
}

/** Reads locked calls with the rules that they were begun under. */
export async function openCalls(
  db: Queryable,
  deps: FlowDeps,
  callUuids: readonly string[],
): Promise<ReadonlyMap<string, OpenCall>> {
  const calls = [...(await loadCalls(db, callUuids)).values()]
  const open = await Promise.all(
    calls.map(async (call) =>
      openCall(call, await deps.campaignRules(call.campaignId, call.campaignVersion)),
    ),
  )
  await findTxids(
    db,
    open.filter(({ state }) => state.revision > 0),
  )
  return new Map(open.map((one) => [one.call.callUuid, one]))
}

/** Puts the transaction ids that have been applied on settled calls. */
async function findTxids(db: Queryable, settled: readonly OpenCall[]): Promise<void> {
  const found = await findAppliedTxids(
    db,
    settled.map(({ call }) => call.callUuid),
  )
  for (const { call, appliedTxids } of settled) {
    appliedTxids.push(...(found.get(call.callUuid)?.txids ?? []))
  }
  const withKept = settled.filter(({ call }) => found.get(call.callUuid)?.hasKept)
  const kept = await findKeptPostbacks(
    db,
    withKept.map(({ call }) => call.callUuid),
  )
  const byCall = Map.groupBy(kept, ({ callUuid }) => callUuid)
  for (const one of withKept) {
    one.appliedTxids.push(...txidsOfKept(one, byCall.get(one.call.callUuid) ?? []))
  }
}

/** What came of those that were kept for the end of the call is not put down: it is decided once more. */
function txidsOfKept(open: OpenCall, kept: readonly KeptPostback[]): readonly string[] {
  const { call } = open
  const state: SettlementState = { ...NOTHING_DECIDED, conversion: 'pending' }
  const again: OpenCall = { ...open, state, appliedTxids: [], decided: [] }
  const facts = () => settlementFacts(again, () => call.settlement.duplicate, call.startedAt)
  for (const { text, postbackId } of kept) {
    const parsed = parsePostback(text)
    if (parsed.kind === 'postback') {
      applyPostback(again, { postback: parsed.postback, postbackId }, facts())
    }
  }
  return again.appliedTxids
}

function openCall(call: CallRecord, rules: CampaignRules): OpenCall {
  const pinned = rules.conversionGroups.find(({ groupId }) => groupId === call.conversionGroupId)
  return {
    call,
    rules,
    digits: minorUnitDigits(rules.currency),
    group: pinned,
    state: call.settlement,
    appliedTxids: [],
    decided: [],
  }
}

/** @see behaviour B13 */
export function chooseGroup(call: CallRecord, rules: CampaignRules): ConversionGroup | undefined {
  return chooseConversionGroup(rules.conversionGroups, call)
}

/** Takes a decision into account, for the ones after it and for storing. */
export function decide(open: OpenCall, decision: Decision, postback?: DecidingPostback): void {
  open.state = applyDecision(open.state, decision)
  const { postbackId, replayId, convertedAt } = postback ?? {}
  open.decided.push({ decision, postbackId, replayId, convertedAt })
}

interface DecidingPostback {
  readonly postbackId: string | undefined
  readonly replayId?: string
  /** When the call converted, by a replay that finds it out. */
  readonly convertedAt?: Date | undefined
}

/** Decides what a postback does to a call, and takes it into account with its transaction id. */
export function applyPostback(
  open: OpenCall,
  { postback, postbackId }: { readonly postback: Postback; readonly postbackId: string },
  facts: SettlementFacts,
): PostbackOutcome {
  const outcome = decidePostback(open.group, open.state, postback, facts)
  if (outcome.decision) decide(open, outcome.decision, { postbackId })
  if (postback.txid !== undefined && isApplied(outcome)) open.appliedTxids.push(postback.txid)
  return outcome
}

/**
 * Answers, for calls decided in one transaction, whether their callers have converted before: in the
 * database, or earlier in the same transaction.
 */
export async function watchDuplicates(
  db: Queryable,
  calls: Iterable<OpenCall>,
): Promise<(open: OpenCall) => boolean> {
  const undecided = [...calls].filter(({ state }) => !hasConverted(state))
  const questions = undecided.flatMap((open) => dedupeQuestion(open) ?? [])
  const earlier = await findEarlierConversions(db, questions)
  return (open) => {
    if (earlier.has(open.call.callUuid)) return true
    const caller = callerKey(open)
    return undecided.some(
      (other) => other !== open && hasConverted(other.state) && callerKey(other) === caller,
    )
  }
}

function dedupeQuestion({ call, group }: OpenCall): DedupeQuestion | undefined {
  const { callUuid, callerNumber, campaignId } = call
  if (!group || group.dedupeSeconds === 0 || callerNumber === undefined) return undefined
  const { groupId, dedupeSeconds } = group
  return { callUuid, callerNumber, campaignId, groupId, dedupeSeconds }
}

/** Equal for calls of which only one may convert; unique where nothing is deduplicated. */
function callerKey(open: OpenCall): string {
  const question = dedupeQuestion(open)
  if (!question) return open.call.callUuid
  return `${question.campaignId} ${question.groupId} ${question.callerNumber}`
}

/** The facts that a decision about the call at `now` rests on. */
export function settlementFacts(
  open: OpenCall,
  isDuplicate: (open: OpenCall) => boolean,
  now: Date,
): SettlementFacts {
  const { group, call, digits, appliedTxids } = open
  const lateLimitMs =
    group?.kind === 'postback' && group.lateLimitSeconds !== undefined
      ? group.lateLimitSeconds * 1000
      : Number.POSITIVE_INFINITY
  // Where the timeout is 0 nothing was waited for: the call's end is when it was decided.
  const decidedBy = call.settleAt ?? call.endedAt
  const isAfterLateLimit =
    decidedBy !== undefined && now.getTime() - decidedBy.getTime() > lateLimitMs
  return { digits, appliedTxids, hasEarlierConversion: isDuplicate(open), isAfterLateLimit }
}

/**
 * Appends what has been decided to the ledger and queues the tracking URLs that follow, in the transaction
 * of the decision: all of it is stored, or nothing. Returns how many deliveries were queued.
 */
export async function storeDecisions(
  db: Queryable,
  deps: FlowDeps,
  calls: Iterable<OpenCall>,
  now: Date,
): Promise<number> {
  const open = [...calls].filter(({ decided }) => decided.length > 0)
  const deliveries = open.flatMap((one) => deliveriesOf(one, deps))
  await Promise.all([
    appendSettlements(
      db,
      open.flatMap((one) => settlementsOf(one, now)),
    ),
    enqueueDeliveries(db, deliveries, now),
  ])
  return deliveries.length
}

function settlementsOf({ call, decided }: OpenCall, decidedAt: Date): readonly NewEntry[] {
  return decided.map(({ decision, postbackId, replayId, convertedAt }, index) => ({
    call,
    revision: call.settlement.revision + index + 1,
    decision,
    postbackId,
    replayId,
    decidedAt,
    convertedAt,
  }))
}

function deliveriesOf({ call, rules, decided }: OpenCall, deps: FlowDeps): readonly NewDelivery[] {
  const { callUuid, publisherId, buyerId, tags, bridgedLeg: leg } = call
  if (rules.trackingUrls.length === 0) return []
  return decided.flatMap(({ decision }, index) => {
    const occurrence = call.settlement.revision + index + 1
    const values = tokenValues(call, deps.names(call), moneyTokens(decision))
    return decision.triggers.flatMap((trigger) =>
      buildDeliveries(rules.trackingUrls, {
        trigger,
        occurrence,
        callUuid,
        publisherId,
        buyerId,
        tags,
        leg,
        values,
      }),
    )
  })
}

function moneyTokens(decision: Decision): MoneyTokens {
  const { conversionName, revenue, payout, postbackValue, late, duplicate } = decision
  return {
    converted: decision.conversion === 'converted',
    conversionName,
    revenue,
    payout,
    postbackValue,
    late,
    duplicate,
  }
}

/** One log line for each decision, after its commit. */
export function logDecisions(deps: FlowDeps, calls: Iterable<OpenCall>): void {
  for (const { call, decided } of calls) {
    for (const { decision } of decided) {
      const { kind, conversion, reason, revenue, payout, late } = decision
      const { callUuid, campaignId } = call
      deps.log.info('call.settled', {
        call_uuid: callUuid,
        campaign_id: campaignId,
        kind,
        conversion,
        reason,
        revenue,
        payout,
        late,
      })
    }
  }
}
