import { insertAct } from '../db/audit.ts'
import { lockCalls } from '../db/calls.ts'
import { readClock } from '../db/clock.ts'
import { findConversionsOf, lockCallers } from '../db/earlier-conversions.ts'
import {
  loadPastCalls,
  type PastCalls,
  readPastCallers,
  readPastCalls,
  type StoredPastCall,
} from '../db/past-calls.ts'
import type { Queryable } from '../db/queryable.ts'
import { insertReplay, moveConversions, pinCalls, type Replay } from '../db/replays.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { type Anew, planReplay, type ReplayPlan } from '../domain/replay-plan.ts'
import type { FlowDeps } from './flow-deps.ts'
import { decide, logDecisions, type OpenCall, openCalls, storeDecisions } from './settle-call.ts'

const AT_ONCE = 200

/**
 * Settles past calls of a campaign anew under a version of its rules, writing an adjustment or a late
 * conversion wherever they would have been worth something else under it from the start, with the tracking URLs
 * that follow. It is put on record first, and every entry names it; killed in the middle, it may be done again.
 * Returns how many calls were settled anew.
 */
export async function replay(deps: FlowDeps, wanted: Replay): Promise<number> {
  const rules = await deps.campaignRules(wanted.campaignId, wanted.version)
  await deps.database.transaction((db) => putOnRecord(db, wanted))
  let settled = 0
  for await (const calls of readCalls(deps.database, rules, wanted)) {
    const planned = await plan(deps.database, { rules, wanted, calls })
    for (const callUuids of batchesOf(rules, calls, planned)) {
      settled += await settleAnew(deps, wanted, { rules, callUuids })
    }
  }
  return settled
}

/** How many of how many calls {@link replay} would settle anew, as things stand. Writes nothing. */
export async function countReplay(
  deps: Pick<FlowDeps, 'database' | 'campaignRules'>,
  wanted: PastCalls & Pick<Replay, 'version' | 'why'>,
): Promise<{ readonly calls: number; readonly differing: number }> {
  const rules = await deps.campaignRules(wanted.campaignId, wanted.version)
  let count = { calls: 0, differing: 0 }
  for await (const calls of readCalls(deps.database, rules, wanted)) {
    const { anew } = await plan(deps.database, { rules, wanted, calls })
    count = { calls: count.calls + calls.length, differing: count.differing + anew.length }
  }
  return count
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

/** What settling these calls anew would add, given that all calls of their callers are among them. */
async function plan(db: Queryable, { rules, wanted, calls }: Planning): Promise<ReplayPlan> {
  const { campaignId, version, why } = wanted
  const [now, standing] = await Promise.all([
    readClock(db),
    findConversionsOf(db, campaignId, mayConvertOnce(rules) ? callersOf(calls) : []),
  ])
  const note = `settled anew under version ${version}: ${why}`
  return planReplay(calls, { rules, standing, note, now })
}

interface Planning {
  readonly rules: CampaignRules
  readonly wanted: Pick<Replay, 'campaignId' | 'version' | 'why'>
  readonly calls: readonly StoredPastCall[]
}

const groupsOfOne = ({ conversionGroups }: CampaignRules) =>
  conversionGroups.filter(({ dedupeSeconds }) => dedupeSeconds > 0)

const mayConvertOnce = (rules: CampaignRules): boolean => groupsOfOne(rules).length > 0

const callersOf = (calls: readonly StoredPastCall[]): readonly string[] => [
  ...new Set(calls.flatMap(({ callerNumber }) => callerNumber ?? [])),
]

/** Where a caller may convert once, all calls of a caller are read, planned and locked together. */
const readCalls = (db: Queryable, rules: CampaignRules, wanted: PastCalls) =>
  mayConvertOnce(rules) ? readPastCallers(db, wanted) : readPastCalls(db, wanted)

/** The calls to lock at once. */
function batchesOf(
  rules: CampaignRules,
  calls: readonly StoredPastCall[],
  { anew, moved }: ReplayPlan,
): readonly (readonly string[])[] {
  const differing = new Set([...anew, ...moved].map(({ callUuid }) => callUuid))
  const areTogether = mayConvertOnce(rules)
  const together = Map.groupBy(calls, ({ callUuid, callerNumber }) =>
    areTogether && callerNumber !== undefined ? callerNumber : callUuid,
  )
  const batches: string[][] = []
  for (const ofOne of together.values()) {
    const callUuids = ofOne.map(({ callUuid }) => callUuid)
    if (!callUuids.some((callUuid) => differing.has(callUuid))) continue
    const last = batches.at(-1)
    if (last && last.length + callUuids.length <= AT_ONCE) last.push(...callUuids)
    else batches.push(callUuids)
  }
  return batches
}

interface Batch {
  readonly rules: CampaignRules
  readonly callUuids: readonly string[]
}

/** What was seen before the locks only says where to look; what is decided is read behind them. */
async function settleAnew(
  deps: FlowDeps,
  wanted: Replay,
  { rules, callUuids }: Batch,
): Promise<number> {
  const { anew, queued } = await deps.database.transaction(async (db) => {
    const locked = await lockCalls(db, callUuids)
    const calls = [...(await loadPastCalls(db, locked)).values()]
    await lockCallers(db, callersOfGroups(rules, wanted, calls))
    const planned = await plan(db, { rules, wanted, calls })
    const decided = planned.anew.map(({ callUuid }) => callUuid)
    const open = await openCalls(db, deps, decided)
    const anew = planned.anew.flatMap((one) => decideAnew(wanted, { one, open, rules }) ?? [])
    const queued = await storeDecisions(db, deps, anew, await readClock(db))
    await pinCalls(db, decided, wanted.version)
    await moveConversions(db, planned.moved)
    return { anew, queued }
  })
  logDecisions(deps, anew)
  if (queued > 0) deps.wakeDelivery()
  return anew.length
}

const callersOfGroups = (
  rules: CampaignRules,
  { campaignId }: Replay,
  calls: readonly StoredPastCall[],
) =>
  groupsOfOne(rules).flatMap(({ groupId }) =>
    callersOf(calls).map((callerNumber) => ({ callerNumber, campaignId, groupId })),
  )

function decideAnew(
  { version, replayId }: Replay,
  {
    one: { callUuid, decision, postbackId, convertedAt },
    open,
    rules,
  }: { one: Anew; open: ReadonlyMap<string, OpenCall>; rules: CampaignRules },
): OpenCall | undefined {
  const stored = open.get(callUuid)
  if (!stored) return undefined
  const anew = { ...stored, rules, call: { ...stored.call, campaignVersion: version } }
  decide(anew, decision, { postbackId, replayId, convertedAt })
  return anew
}
