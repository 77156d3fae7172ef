import { insertAct } from '../db/audit.ts'
import { lockCalls } from '../db/calls.ts'
import { readClock } from '../db/clock.ts'
import { findConversionsAround, type ReplayedQuestion } from '../db/earlier-conversions.ts'
import { loadPastCalls, readPastCalls, type StoredPastCall } from '../db/past-calls.ts'
import type { Queryable } from '../db/queryable.ts'
import { insertReplay, pinCalls, type Replay } from '../db/replays.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { isSameMoney, rehearseCall } from '../domain/rehearse.ts'
import { decideReplay } from '../domain/replay.ts'
import type { Decision } from '../domain/settlement.ts'
import type { FlowDeps } from './flow-deps.ts'
import { decide, logDecisions, type OpenCall, openCalls, storeDecisions } from './settle-call.ts'

const AT_ONCE = 200

/**
 * Settles past calls of a campaign anew under a version of its rules, writing an adjustment or a late
 * conversion wherever that makes a difference, with the tracking URLs that follow. It is put on record
 * first, and every entry names it; killed in the middle, it may be done again. Returns how many calls were
 * settled anew.
 */
export async function replay(deps: FlowDeps, wanted: Replay): Promise<number> {
  const rules = await deps.campaignRules(wanted.campaignId, wanted.version)
  await deps.database.transaction((db) => putOnRecord(db, wanted))
  const now = await readClock(deps.database)
  let settled = 0
  for await (const page of readPastCalls(deps.database, wanted)) {
    const differing = page.filter(({ call, standing }) => {
      return !isSameMoney(standing, rehearseCall(rules, call, now))
    })
    for (let from = 0; from < differing.length; from += AT_ONCE) {
      const some = differing.slice(from, from + AT_ONCE).map(({ callUuid }) => callUuid)
      settled += await settleAnew(deps, wanted, { rules, callUuids: some })
    }
  }
  return settled
}

async function putOnRecord(db: Queryable, wanted: Replay): Promise<void> {
  await insertReplay(db, wanted)
  const { replayId, campaignId, version, since, until, why, madeBy } = wanted
  await insertAct(
    db,
    { kind: 'cli', name: madeBy },
    {
      what: 'calls.replayed',
      subject: campaignId,
      details: { replay_id: replayId, version, since, until, why },
    },
  )
}

interface Batch {
  readonly rules: CampaignRules
  readonly callUuids: readonly string[]
}

/** What was seen before the lock only says where to look; what is decided is read behind it. */
async function settleAnew(
  deps: FlowDeps,
  wanted: Replay,
  { rules, callUuids }: Batch,
): Promise<number> {
  const { anew, queued } = await deps.database.transaction(async (db) => {
    const locked = await lockCalls(db, callUuids)
    const now = await readClock(db)
    const open = await openCalls(db, deps, locked)
    const inOrder = locked.flatMap((callUuid) => open.get(callUuid) ?? [])
    const anew = await decideAnew(db, wanted, { rules, open: inOrder, now })
    const queued = await storeDecisions(db, deps, anew, now)
    await pinCalls(
      db,
      anew.map(({ call }) => call.callUuid),
      wanted.version,
    )
    return { anew, queued }
  })
  logDecisions(deps, anew)
  if (queued > 0) deps.wakeDelivery()
  return anew.length
}

interface Anew {
  readonly open: OpenCall
  readonly decision: Decision
  readonly postbackId: string | undefined
  /** When it was posted, or the call ended, that the decision rests on. */
  readonly at: Date
}

async function decideAnew(
  db: Queryable,
  wanted: Replay,
  { rules, open, now }: { rules: CampaignRules; open: readonly OpenCall[]; now: Date },
): Promise<readonly OpenCall[]> {
  const callUuids = open.map(({ call }) => call.callUuid)
  const past = await loadPastCalls(db, callUuids)
  const anew = open.flatMap((one) => {
    const stored = past.get(one.call.callUuid)
    return (stored && decideOne(wanted, { one, stored, rules, now })) ?? []
  })
  const seconds = await findSecondConversions(db, anew)
  const first = anew.filter(({ open }) => !seconds.has(open.call.callUuid))
  for (const { open, decision, postbackId } of first) {
    decide(open, decision, { postbackId, replayId: wanted.replayId })
  }
  return first.map(({ open }) => open)
}

function decideOne(
  { version, why }: Replay,
  {
    one,
    stored: { call, standing },
    rules,
    now,
  }: { one: OpenCall; stored: StoredPastCall; rules: CampaignRules; now: Date },
): Anew | undefined {
  const would = rehearseCall(rules, call, now)
  if (isSameMoney(standing, would)) return undefined
  const note = `settled anew under version ${version}: ${why}`
  const decision = decideReplay(one.state, would, note, one.digits)
  if (!decision) return undefined
  const { postbackId } = would
  const open = { ...one, rules, call: { ...one.call, campaignVersion: version } }
  const posted = call.postbacks.find((postback) => postback.postbackId === postbackId)
  const at = posted && posted.receivedAt > call.endedAt ? posted.receivedAt : call.endedAt
  return { open, decision, postbackId, at }
}

/**
 * Those that would be their callers' second conversions; of several at once the first call has it. A call
 * that has converted already is never one: what it is worth is corrected only. @see behaviour B13
 */
async function findSecondConversions(
  db: Queryable,
  anew: readonly Anew[],
): Promise<ReadonlySet<string>> {
  const questions = anew.flatMap((one) => questionOf(one) ?? [])
  const seconds = new Set(await findConversionsAround(db, questions))
  for (const [index, question] of questions.entries()) {
    const firsts = questions.slice(0, index).filter(({ callUuid }) => !seconds.has(callUuid))
    if (firsts.some((first) => areOfOneWindow(first, question))) seconds.add(question.callUuid)
  }
  return seconds
}

function questionOf({ open, decision, at }: Anew): ReplayedQuestion | undefined {
  if (decision.kind !== 'late_conversion') return undefined
  const { callUuid, callerNumber, campaignId } = open.call
  const group = open.rules.conversionGroups.find(({ groupId }) => groupId === decision.groupId)
  if (!group || group.dedupeSeconds === 0 || callerNumber === undefined) return undefined
  const { groupId, dedupeSeconds } = group
  return { callUuid, callerNumber, campaignId, groupId, dedupeSeconds, at }
}

const areOfOneWindow = (one: ReplayedQuestion, other: ReplayedQuestion): boolean =>
  one.callerNumber === other.callerNumber &&
  one.groupId === other.groupId &&
  Math.abs(one.at.getTime() - other.at.getTime()) < one.dedupeSeconds * 1_000
