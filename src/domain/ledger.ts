import type { CallRecord } from './call.ts'
import { parseDecimal, toAmount } from './money.ts'
import type { Decision } from './settlement.ts'

/**
 * One entry of the ledger: a decision with the facts that it rests on, in the names of its columns. Instants
 * are ISO 8601 with milliseconds.
 */
export interface LedgerEntry {
  readonly call_uuid: string
  readonly revision: number
  readonly kind: Decision['kind']
  readonly conversion: Decision['conversion']
  readonly reason: Decision['reason']
  readonly campaign_id: string
  readonly campaign_version: number
  readonly group_id: string | null
  readonly conversion_name: string | null
  readonly basis: string | null
  readonly revenue: string | null
  readonly payout: string | null
  readonly payout_clamped: boolean
  readonly postback_id: string | null
  readonly postback_value: string | null
  readonly connected_ms: number | null
  readonly late: boolean
  readonly duplicate: boolean
  readonly steps: readonly string[]
  readonly decided_at: string
  readonly publisher_id: string | null
  readonly buyer_id: string | null
  readonly ended_at: string | null
  /** When the wait for a postback ended or would have; null where nothing was waited for. */
  readonly settle_at: string | null
  /** The replay that it comes from; null for what was decided as it happened. */
  readonly replay_id: string | null
}

/** A decision that is to become an entry. */
export interface NewEntry {
  readonly call: CallRecord
  readonly revision: number
  readonly decision: Decision
  readonly postbackId: string | undefined
  readonly replayId: string | undefined
  readonly decidedAt: Date
  /** When the call converted, where that is not when it was decided: it was settled anew. No part of the entry. */
  readonly convertedAt?: Date | undefined
}

/** The entry for a decision about a call. */
export function buildEntry({
  call,
  revision,
  decision,
  postbackId,
  replayId,
  decidedAt,
}: NewEntry): LedgerEntry {
  return {
    call_uuid: call.callUuid,
    revision,
    kind: decision.kind,
    conversion: decision.conversion,
    reason: decision.reason,
    campaign_id: call.campaignId,
    campaign_version: call.campaignVersion,
    group_id: decision.groupId ?? null,
    conversion_name: decision.conversionName ?? null,
    basis: decision.basis ?? null,
    revenue: decision.revenue ?? null,
    payout: decision.payout ?? null,
    payout_clamped: decision.payoutClamped,
    postback_id: postbackId ?? null,
    postback_value: decision.postbackValue ?? null,
    connected_ms: call.connectedMs ?? null,
    late: decision.late,
    duplicate: decision.duplicate,
    steps: decision.steps,
    decided_at: decidedAt.toISOString(),
    publisher_id: call.publisherId,
    buyer_id: call.buyerId ?? null,
    ended_at: call.endedAt?.toISOString() ?? null,
    settle_at: call.settleAt?.toISOString() ?? null,
    replay_id: replayId ?? null,
  }
}

/**
 * The text that an entry's hash is taken over: every field in a fixed order, amounts with the six decimals
 * that the database keeps, so that what was written and what is read back are the same.
 */
export function canonicalEntry(entry: LedgerEntry): string {
  return JSON.stringify([
    entry.call_uuid,
    entry.revision,
    entry.kind,
    entry.conversion,
    entry.reason,
    entry.campaign_id,
    entry.campaign_version,
    entry.group_id,
    entry.conversion_name,
    entry.basis,
    sixDecimals(entry.revenue),
    sixDecimals(entry.payout),
    entry.payout_clamped,
    entry.postback_id,
    entry.postback_value,
    entry.connected_ms,
    entry.late,
    entry.duplicate,
    entry.steps,
    entry.decided_at,
    entry.publisher_id,
    entry.buyer_id,
    entry.ended_at,
    entry.settle_at,
    ...(entry.replay_id === null ? [] : [entry.replay_id]),
  ])
}

/** Null stays null; what is no amount stays as it is. */
export function sixDecimals(amount: string | null): string | null {
  // As the database gives them, which is most of what is ever asked.
  if (amount === null || /^\d+\.\d{6}$/.test(amount)) return amount
  const exact = parseDecimal(amount)
  return exact ? toAmount(exact, 6) : amount
}
