import type { Amount } from './money.ts'
import { nanpNumber } from './number.ts'
import type { SettlementState } from './settlement.ts'
import type { TokenValues } from './tokens.ts'

export type CallState = 'ringing' | 'bridged' | 'ended'

/** Who ended the call; `bridge` is ourselves. */
export type HungUpBy = 'caller' | 'buyer' | 'bridge'

/** What is known of a call from its first INVITE on. Instants are the database's. */
export interface CallFacts {
  readonly callUuid: string
  readonly campaignId: string
  readonly campaignVersion: number
  readonly publisherId: string
  readonly subId: string | undefined
  /** E.164; undefined where the caller withheld it. */
  readonly callerNumber: string | undefined
  readonly dialedNumber: string
  readonly startedAt: Date
  readonly tags: Readonly<Record<string, string>>
  readonly buyerId: string | undefined
  readonly answeredAt: Date | undefined
  readonly endedAt: Date | undefined
  /** From the buyer's answer to the first BYE, on a monotonic clock. */
  readonly connectedMs: number | undefined
  readonly totalMs: number | undefined
  readonly hungUpBy: HungUpBy | undefined
  readonly sipStatus: number | undefined
}

/** What is not known of a call that has just begun. */
export const NOT_YET_KNOWN = {
  buyerId: undefined,
  answeredAt: undefined,
  endedAt: undefined,
  connectedMs: undefined,
  totalMs: undefined,
  hungUpBy: undefined,
  sipStatus: undefined,
} as const satisfies Partial<CallFacts>

/** A call with the money it has made so far. */
export interface CallRecord extends CallFacts {
  readonly state: CallState
  readonly bridgedLeg: number | undefined
  readonly conversionGroupId: string | undefined
  readonly settleAt: Date | undefined
  readonly settlement: SettlementState
  readonly revenue: Amount | undefined
  readonly payout: Amount | undefined
  readonly postbackValue: string | undefined
}

/** Names that are looked up in the configuration when tokens are filled in. */
export interface CallNames {
  readonly campaignName: string
  readonly publisherName: string
  readonly buyerName: string | undefined
}

/** The money tokens of a decision; empty before there is one. */
export interface MoneyTokens {
  readonly converted?: boolean
  readonly conversionName?: string | undefined
  readonly revenue?: Amount | undefined
  readonly payout?: Amount | undefined
  readonly postbackValue?: string | undefined
  readonly late?: boolean
  readonly duplicate?: boolean
}

/** Whole seconds, as callers are billed and conversions are judged. */
export function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000)
}

/** What every token of a call stands for; a call's own facts win over tags of the same name. @see behaviour B3 */
export function tokenValues(call: CallFacts, names: CallNames, money: MoneyTokens): TokenValues {
  const text = (value: number | boolean | undefined) => value?.toString()
  return {
    ...call.tags,
    call_uuid: call.callUuid,
    caller_number: call.callerNumber,
    caller_id: call.callerNumber,
    nanp_caller_number: call.callerNumber && nanpNumber(call.callerNumber),
    called_number: call.dialedNumber,
    dialed_number: call.dialedNumber,
    campaign_id: call.campaignId,
    campaign_name: names.campaignName,
    publisher_id: call.publisherId,
    publisher_name: names.publisherName,
    affiliate_id: call.publisherId,
    sub_id: call.subId,
    buyer_id: call.buyerId,
    buyer_name: names.buyerName,
    target_id: call.buyerId,
    call_start_time: call.startedAt.toISOString(),
    call_answer_time: call.answeredAt?.toISOString(),
    call_end_time: call.endedAt?.toISOString(),
    call_duration: text(wholeSeconds(call.connectedMs)),
    total_duration: text(wholeSeconds(call.totalMs)),
    hung_up_by: call.hungUpBy,
    sip_status: text(call.sipStatus),
    converted: text(money.converted),
    conversion_name: money.conversionName,
    revenue: money.revenue,
    payout: money.payout,
    postback_value: money.postbackValue,
    late: text(money.late),
    duplicate: text(money.duplicate),
  }
}
