import { wholeSeconds } from './call.ts'
import type { CampaignRules } from './campaign.ts'
import { chooseConversionGroup, type ConversionGroup } from './conversion-group.ts'
import { sixDecimals } from './ledger.ts'
import { type Amount, minorUnitDigits } from './money.ts'
import { parsePostback, type Postback, type PostbackText } from './postback.ts'
import {
  applyDecision,
  decideAtHangup,
  decideAtTimeout,
  type Decision,
  NOTHING_DECIDED,
  type SettlementFacts,
  type SettlementState,
} from './settlement.ts'
import { decidePostback, isApplied } from './settlement-postback.ts'

/** A past call with all that its worth follows from, whatever the rules. */
export interface PastCall {
  readonly publisherId: string
  readonly buyerId: string | undefined
  /** As they are now, posted ones included. */
  readonly tags: Readonly<Record<string, string>>
  readonly endedAt: Date
  readonly connectedMs: number | undefined
  /** Settled so since its caller had converted before: taken as it was, since no other call is rehearsed with it. */
  readonly duplicate: boolean
  /** Those of the buyer that got the call, in the order in which they came. */
  readonly postbacks: readonly PastPostback[]
}

export interface PastPostback {
  readonly postbackId: string
  readonly receivedAt: Date
  readonly text: PostbackText
  /** It was refused since its caller had converted before. */
  readonly isDuplicate: boolean
}

/** What a call would be worth. */
export interface Rehearsed {
  readonly conversion: 'converted' | 'not_converted' | 'pending'
  /** The last decision; undefined while a postback may still come. */
  readonly decision: Decision | undefined
  /** The postback that the last decision rests on, if it rests on one. */
  readonly postbackId: string | undefined
}

interface Reading extends PastPostback {
  readonly postback: Postback
}

/**
 * What a call would be worth under `rules`, by the functions that decide live ones: group, hang-up, every
 * postback in its order, and the timeout where none came before it.
 */
export function rehearseCall(rules: CampaignRules, call: PastCall, now: Date): Rehearsed {
  const readings = call.postbacks.flatMap((past): Reading[] => {
    const parsed = parsePostback(past.text)
    return parsed.kind === 'postback' ? [{ ...past, postback: parsed.postback }] : []
  })
  const { publisherId, buyerId } = call
  const tags = tagsAtHangup(call, readings)
  const group = chooseConversionGroup(rules.conversionGroups, { publisherId, buyerId, tags })
  const facts: SettlementFacts = {
    digits: minorUnitDigits(rules.currency),
    hasEarlierConversion: call.duplicate,
    appliedTxids: [],
    isAfterLateLimit: false,
  }
  const atHangup = decideAtHangup(group, wholeSeconds(call.connectedMs), facts)
  if (atHangup !== 'pending') {
    return { conversion: atHangup.conversion, decision: atHangup, postbackId: undefined }
  }
  if (group?.kind !== 'postback') throw new TypeError('only postback groups wait')
  const settleAt = new Date(call.endedAt.getTime() + group.postbackTimeoutSeconds * 1000)
  const lateLimitMs = (group.lateLimitSeconds ?? Number.POSITIVE_INFINITY) * 1000
  let play: Play = {
    state: { ...NOTHING_DECIDED, conversion: 'pending' },
    last: undefined,
    postbackId: undefined,
    appliedTxids: [],
  }
  for (const reading of readings) {
    const { postback, receivedAt } = reading
    if (receivedAt > call.endedAt && receivedAt >= settleAt) play = expire(play, group)
    const isAfterLateLimit = receivedAt.getTime() - settleAt.getTime() > lateLimitMs
    const { appliedTxids } = play
    const hasEarlierConversion = call.duplicate || reading.isDuplicate
    const known = { ...facts, hasEarlierConversion, appliedTxids, isAfterLateLimit }
    const outcome = decidePostback(group, play.state, postback, known)
    play = take(play, outcome.decision, reading.postbackId)
    if (postback.txid !== undefined && isApplied(outcome)) {
      play = { ...play, appliedTxids: [...appliedTxids, postback.txid] }
    }
  }
  if (now >= settleAt) play = expire(play, group)
  const { conversion } = play.state
  const { last: decision, postbackId } = play
  return {
    conversion: conversion === 'undecided' ? 'pending' : conversion,
    decision,
    postbackId,
  }
}

interface Play {
  readonly state: SettlementState
  readonly last: Decision | undefined
  readonly postbackId: string | undefined
  readonly appliedTxids: readonly string[]
}

function take(play: Play, decision: Decision | undefined, postbackId?: string): Play {
  if (!decision) return play
  return { ...play, state: applyDecision(play.state, decision), last: decision, postbackId }
}

const expire = (play: Play, group: ConversionGroup): Play =>
  play.state.conversion === 'pending' ? take(play, decideAtTimeout(group)) : play

/** Groups are chosen at hang-up: what was posted later was no tag yet. */
function tagsAtHangup(
  { tags, endedAt }: PastCall,
  readings: readonly Reading[],
): Readonly<Record<string, string>> {
  const posted = new Set(readings.flatMap(({ postback }) => Object.keys(postback.tags)))
  const before = Object.entries(tags).filter(([name]) => !posted.has(name))
  const during = readings.filter(({ receivedAt }) => receivedAt <= endedAt)
  return Object.assign(
    Object.fromEntries(before),
    ...during.map(({ postback }) => postback.tags),
  ) as Readonly<Record<string, string>>
}

/** Whether a call would be worth what it is worth. */
export function isSameMoney(standing: Standing, { conversion, decision }: Rehearsed): boolean {
  return (
    standing.conversion === conversion &&
    sixDecimals(standing.revenue ?? null) === sixDecimals(decision?.revenue ?? null) &&
    sixDecimals(standing.payout ?? null) === sixDecimals(decision?.payout ?? null)
  )
}

/** The money of a call as it stands. */
export interface Standing {
  readonly conversion: string
  readonly revenue: Amount | undefined
  readonly payout: Amount | undefined
}
