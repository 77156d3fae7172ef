import { lockCalls } from '../db/calls.ts'
import { readClock } from '../db/clock.ts'
import { loadPastCalls, readPastCalls } from '../db/past-calls.ts'
import type { Queryable } from '../db/queryable.ts'
import { insertReplay, pinCalls, type Replay } from '../db/replays.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { isSameMoney, rehearseCall } from '../domain/rehearse.ts'
import { decideReplay } from '../domain/replay.ts'
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
  await deps.database.transaction((db) => insertReplay(db, wanted))
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
    const anew = await decideAnew(db, wanted, { rules, open: [...open.values()], now })
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

async function decideAnew(
  db: Queryable,
  { replayId, version, why }: Replay,
  { rules, open, now }: { rules: CampaignRules; open: readonly OpenCall[]; now: Date },
): Promise<readonly OpenCall[]> {
  const past = await loadPastCalls(
    db,
    open.map(({ call }) => call.callUuid),
  )
  const note = `settled anew under version ${version}: ${why}`
  return open.flatMap((one) => {
    const stored = past.get(one.call.callUuid)
    if (!stored) return []
    const would = rehearseCall(rules, stored.call, now)
    if (isSameMoney(stored.standing, would)) return []
    const decision = decideReplay(one.state, would, note, one.digits)
    if (!decision) return []
    const anew: OpenCall = { ...one, rules, call: { ...one.call, campaignVersion: version } }
    decide(anew, decision, { postbackId: would.postbackId, replayId })
    return [anew]
  })
}
