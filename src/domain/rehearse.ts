import { wholeSeconds } from './call.ts'
import type { CampaignRules } from './campaign.ts'
import { chooseConversionGroup, type PostbackGroup } from './conversion-group.ts'
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
  /** When its wait for a postback ended or would have; undefined where nothing was waited for. */
  readonly settleAt: Date | undefined
  /** Whether it waits still: a timeout may have passed and not been noticed. */
  readonly isWaiting: boolean
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
  /** How the call stood when it came, as only the ledger can tell: clocks do not say who was first. */
  readonly foundCall: 'live' | 'waiting' | 'timed_out' | 'decided'
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
  /** When it would have converted: corrections move what it is worth, and not this. Undefined if it would not. */
  readonly convertedAt: Date | undefined
  /** The postback that would have converted it; undefined as well if its hang-up did. */
  readonly convertedBy: string | undefined
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
    const { conversion } = atHangup
    const convertedAt = conversion === 'converted' ? call.endedAt : undefined
    return { ...NOT_POSTED, conversion, decision: atHangup, convertedAt }
  }
  if (group?.kind !== 'postback') throw new TypeError('only postback groups wait')
  const play = playPostbacks(call, { group, readings, facts, now })
  const { conversion } = play.state
  const { last: decision, postbackId, converting } = play
  return {
    conversion: conversion === 'undecided' ? 'pending' : conversion,
    decision,
    postbackId,
    convertedAt: converting && latest(converting.receivedAt, call.endedAt),
    convertedBy: converting?.postbackId,
  }
}

const NOT_POSTED = { postbackId: undefined, convertedBy: undefined }

/** What was posted during the call converts at its end. */
const latest = (one: Date, other: Date): Date => (one > other ? one : other)

interface Waiting {
  readonly group: PostbackGroup
  readonly readings: readonly Reading[]
  readonly facts: SettlementFacts
  readonly now: Date
}

/** What a call that waits comes to: postback by postback, with the timeout where it belongs. */
function playPostbacks(call: PastCall, { group, readings, facts, now }: Waiting): Play {
  const settleAt = new Date(call.endedAt.getTime() + group.postbackTimeoutSeconds * 1000)
  const lateLimitMs = (group.lateLimitSeconds ?? Number.POSITIVE_INFINITY) * 1000
  let play: Play = {
    state: { ...NOTHING_DECIDED, conversion: 'pending' },
    last: undefined,
    converting: undefined,
    postbackId: undefined,
    appliedTxids: [],
  }
  for (const reading of readings) {
    const { postback, receivedAt } = reading
    if (isAfterTimeout(reading, call, settleAt)) play = expire(play, group)
    const isAfterLateLimit = receivedAt.getTime() - settleAt.getTime() > lateLimitMs
    const { appliedTxids } = play
    const hasEarlierConversion = call.duplicate || reading.isDuplicate
    const known = { ...facts, hasEarlierConversion, appliedTxids, isAfterLateLimit }
    const outcome = decidePostback(group, play.state, postback, known)
    play = take(play, outcome.decision, reading)
    if (postback.txid !== undefined && isApplied(outcome)) {
      play = { ...play, appliedTxids: [...appliedTxids, postback.txid] }
    }
  }
  const waitsStill = call.isWaiting && isSameInstant(call.settleAt, settleAt)
  return now >= settleAt && !waitsStill ? expire(play, group) : play
}

/**
 * Whether the wait would have been over when the postback came. Where it ends when it did, the call has seen
 * for itself which was first: a timeout takes a moment to be noticed, or an outage. Otherwise the clock says.
 */
function isAfterTimeout(
  { receivedAt, foundCall }: PastPostback,
  call: PastCall,
  settleAt: Date,
): boolean {
  if (foundCall === 'live') return false
  if (settleAt.getTime() === call.endedAt.getTime()) return true
  if (isSameInstant(call.settleAt, settleAt) && foundCall !== 'decided') {
    return foundCall === 'timed_out'
  }
  return receivedAt >= settleAt
}

const isSameInstant = (one: Date | undefined, other: Date): boolean =>
  one?.getTime() === other.getTime()

interface Play {
  readonly state: SettlementState
  readonly last: Decision | undefined
  readonly postbackId: string | undefined
  /** The postback by which it converted. */
  readonly converting: PastPostback | undefined
  readonly appliedTxids: readonly string[]
}

function take(play: Play, decision: Decision | undefined, reading?: PastPostback): Play {
  if (!decision) return play
  const state = applyDecision(play.state, decision)
  const converting = play.converting ?? (state.conversion === 'converted' ? reading : undefined)
  return { ...play, state, last: decision, postbackId: reading?.postbackId, converting }
}

const expire = (play: Play, group: PostbackGroup): Play =>
  play.state.conversion === 'pending' ? take(play, decideAtTimeout(group)) : play

/** Groups are chosen at hang-up: what was posted later was no tag yet. */
function tagsAtHangup(
  { tags }: PastCall,
  readings: readonly Reading[],
): Readonly<Record<string, string>> {
  const posted = new Set(readings.flatMap(({ postback }) => Object.keys(postback.tags)))
  const before = Object.entries(tags).filter(([name]) => !posted.has(name))
  const during = readings.filter(({ foundCall }) => foundCall === 'live')
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
