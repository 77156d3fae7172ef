import type { CampaignRules } from './campaign.ts'
import { minorUnitDigits } from './money.ts'
import {
  isSameMoney,
  type PastCall,
  type Rehearsed,
  rehearseCall,
  type Standing,
} from './rehearse.ts'
import { decideReplay } from './replay.ts'
import { type Decision, hasConverted, type SettlementState } from './settlement.ts'

/** A call that is settled anew, with what has been decided about it so far. */
export interface ReplayedCall {
  readonly callUuid: string
  /** Undefined where the caller withheld it. */
  readonly callerNumber: string | undefined
  readonly call: PastCall
  readonly standing: Standing
  readonly settlement: SettlementState
  /** When it was settled, or has converted. */
  readonly settledAt: Date | undefined
}

/** A conversion as it is on record. */
export interface StandingConversion {
  readonly callUuid: string
  readonly callerNumber: string
  readonly groupId: string
  readonly convertedAt: Date
}

/** What settling a call anew adds to it. */
export interface Anew {
  readonly callUuid: string
  readonly decision: Decision
  readonly postbackId: string | undefined
  /** Undefined for a conversion that is withdrawn. */
  readonly convertedAt: Date | undefined
}

/** A conversion that is worth the same, but came about by another postback than is on record. */
export interface Moved {
  readonly callUuid: string
  readonly convertedAt: Date
}

/** What a replay adds to calls, and which it dates anew. */
export interface ReplayPlan {
  readonly anew: readonly Anew[]
  readonly moved: readonly Moved[]
}

/** What calls are settled anew by. */
export interface ReplaySource {
  readonly rules: CampaignRules
  /** All that the callers have, also of calls that are not settled anew. */
  readonly standing: readonly StandingConversion[]
  /** See {@link decideReplay}. */
  readonly note: string
  readonly now: Date
}

/**
 * What has to be added to calls for all of them to be worth what they would have been under these rules from
 * the start, duplicates of a caller included. Of each caller all calls that are to be settled anew have to be
 * given at once.
 * @see behaviour B13
 */
export function planReplay(calls: readonly ReplayedCall[], source: ReplaySource): ReplayPlan {
  const { rules, note, now } = source
  const digits = minorUnitDigits(rules.currency)
  const first = calls.map((replayed): Attempt => tryCall(rules, { replayed, refused: NONE }, now))
  const would = refuseSeconds(first, source)
  const anew: Anew[] = []
  const moved: Moved[] = []
  for (const replayed of calls) {
    const { callUuid, settlement, standing } = replayed
    const rehearsed = would.get(callUuid)
    if (!rehearsed) continue
    const { postbackId, convertedAt } = rehearsed
    const isSame = isSameMoney(standing, rehearsed)
    const decision = isSame ? undefined : decideReplay(settlement, rehearsed, note, digits)
    if (decision) anew.push({ callUuid, decision, postbackId, convertedAt })
    else if (convertedAt && isMoved(replayed, convertedAt)) moved.push({ callUuid, convertedAt })
  }
  return { anew, moved }
}

/** The end of a call may be stored some time after it: what converts by it is then dated later than it came about. */
const STORED_LATE_MS = 60_000

/** Whether the call has converted by something else than it would. A postback is dated as what it decides is. */
function isMoved({ call, settlement, settledAt }: ReplayedCall, convertedAt: Date): boolean {
  if (!hasConverted(settlement) || settledAt === undefined) return false
  const isByHangUp = convertedAt.getTime() === call.endedAt.getTime()
  return Math.abs(msBetween(settledAt, convertedAt)) > (isByHangUp ? STORED_LATE_MS : 0)
}

/** Where what a caller converted by was refused: by a postback, or at the hang-up, which has none. */
type Refused = ReadonlySet<string | undefined>
const NONE: Refused = new Set()

interface Attempt {
  readonly replayed: ReplayedCall
  readonly refused: Refused
  readonly rehearsed: Rehearsed
}

function tryCall(
  rules: CampaignRules,
  { replayed, refused }: Omit<Attempt, 'rehearsed'>,
  now: Date,
): Attempt {
  const { call } = replayed
  const postbacks = call.postbacks.map((postback) => ({
    ...postback,
    isDuplicate: refused.has(postback.postbackId),
  }))
  const duplicate = refused.has(undefined)
  return {
    replayed,
    refused,
    rehearsed: rehearseCall(rules, { ...call, duplicate, postbacks }, now),
  }
}

/**
 * Goes through the conversions of each caller in the order of their time, and refuses those of which another
 * one stands inside the window. A call that was refused one is tried again: a later postback may convert it.
 */
function refuseSeconds(
  attempts: readonly Attempt[],
  source: ReplaySource,
): ReadonlyMap<string, Rehearsed> {
  const would = new Map<string, Rehearsed>()
  for (const { replayed, rehearsed } of attempts) would.set(replayed.callUuid, rehearsed)
  const conversions = attempts.flatMap((attempt) => conversionOf(attempt, source.rules) ?? [])
  const others = Map.groupBy(untouched(source.standing, attempts), callerKey)
  for (const [caller, ofOne] of Map.groupBy(conversions, callerKey)) {
    const stands = (others.get(caller) ?? []).map(({ convertedAt }) => convertedAt)
    const queue = createQueue(ofOne)
    for (let one = queue.next(); one; one = queue.next()) {
      const { convertedAt, windowMs } = one
      if (!stands.some((other) => Math.abs(msBetween(other, convertedAt)) < windowMs)) {
        stands.push(convertedAt)
        continue
      }
      const again = tryAgain(one, source)
      would.set(again.replayed.callUuid, again.rehearsed)
      const later = conversionOf(again, source.rules)
      if (later) queue.add(later)
    }
  }
  return would
}

function tryAgain({ attempt }: Conversion, { rules, now }: ReplaySource): Attempt {
  const { replayed, refused, rehearsed } = attempt
  // Each refusal is of something else, so that there is an end.
  if (refused.has(rehearsed.convertedBy))
    throw new TypeError('a call converted by what was refused')
  const more = new Set([...refused, rehearsed.convertedBy])
  return tryCall(rules, { replayed, refused: more }, now)
}

const callerKey = ({
  groupId,
  callerNumber,
}: Pick<StandingConversion, 'groupId' | 'callerNumber'>) => `${groupId} ${callerNumber}`

/** Of other calls, and of those that would wait still: nothing is taken from them before their time. */
function untouched(
  standing: readonly StandingConversion[],
  attempts: readonly Attempt[],
): readonly StandingConversion[] {
  const decided = attempts.filter(({ rehearsed }) => rehearsed.conversion !== 'pending')
  const anew = new Set(decided.map(({ replayed }) => replayed.callUuid))
  return standing.filter(({ callUuid }) => !anew.has(callUuid))
}

const msBetween = (one: Date, other: Date): number => other.getTime() - one.getTime()

/** A conversion of which a caller may have one. */
interface Conversion extends Omit<StandingConversion, 'callUuid'> {
  readonly windowMs: number
  /** It was made live, at the same time. */
  readonly isLive: boolean
  /** It was refused live, as the caller's second. */
  readonly wasRefused: boolean
  readonly attempt: Attempt
}

/** Undefined where the call does not convert, or nobody minds how often the caller does. */
function conversionOf(attempt: Attempt, rules: CampaignRules): Conversion | undefined {
  const { replayed, rehearsed } = attempt
  const { callerNumber, settlement } = replayed
  const { decision, convertedAt, convertedBy } = rehearsed
  if (!convertedAt || callerNumber === undefined || !willStand(replayed, rehearsed))
    return undefined
  const group = rules.conversionGroups.find(({ groupId }) => groupId === decision?.groupId)
  if (!group || group.dedupeSeconds === 0) return undefined
  return {
    callerNumber,
    groupId: group.groupId,
    convertedAt,
    windowMs: group.dedupeSeconds * 1_000,
    isLive: hasConverted(settlement) && !isMoved(replayed, convertedAt),
    wasRefused: wasRefused(replayed.call, convertedBy),
    attempt,
  }
}

/** What was kept for the hang-up was refused there, unless a later one was the first to be refused. */
function wasRefused({ duplicate, postbacks }: PastCall, convertedBy: string | undefined): boolean {
  const posted = postbacks.find(({ postbackId }) => postbackId === convertedBy)
  if (posted && posted.foundCall !== 'live') return posted.isDuplicate
  return duplicate && !postbacks.some((one) => one.isDuplicate && one.foundCall === 'waiting')
}

/** Whether the conversion is on record after the replay: what is not must not keep another one from being paid. */
function willStand({ settlement }: ReplayedCall, { conversion, decision }: Rehearsed): boolean {
  if (conversion !== 'converted') return false
  if (hasConverted(settlement)) return true
  return settlement.conversion !== 'pending' && decision?.reason !== 'reversed'
}

interface Queue {
  readonly add: (conversion: Conversion) => void
  /** The earliest; of several at one moment, the call that began first. */
  readonly next: () => Conversion | undefined
}

/** Kept in order. */
function createQueue(conversions: readonly Conversion[]): Queue {
  const waiting = conversions.toSorted(byTime)
  return {
    add(conversion) {
      const place = waiting.findIndex((other) => byTime(conversion, other) < 0)
      waiting.splice(place === -1 ? waiting.length : place, 0, conversion)
    },
    next() {
      const first = waiting[0]
      const place = first?.wasRefused === true ? Math.max(findRefuser(waiting, first), 0) : 0
      return waiting.splice(place, 1)[0]
    },
  }
}

/**
 * A transaction is dated by its beginning, and one that began first may have waited for another that it then
 * found: what was refused live comes after what converted live within this, whatever their dates say. Else a
 * replay that changes no rule could make two calls change places. A step waits for
 * three seconds at most for its calls, and for three more for their callers.
 */
const ORDER_UNSURE_MS = 10_000

const findRefuser = (waiting: readonly Conversion[], { convertedAt }: Conversion): number =>
  waiting.findIndex(
    (other) => other.isLive && msBetween(convertedAt, other.convertedAt) < ORDER_UNSURE_MS,
  )

function byTime(one: Conversion, other: Conversion): number {
  const difference = msBetween(other.convertedAt, one.convertedAt)
  if (difference !== 0) return difference
  return one.attempt.replayed.callUuid < other.attempt.replayed.callUuid ? -1 : 1
}
