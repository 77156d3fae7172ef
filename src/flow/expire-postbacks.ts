import { readClock } from '../db/clock.ts'
import {
  type CampaignVersionId,
  type Expired,
  findDueVersions,
  lockExpired,
  settleExpired,
} from '../db/expiries.ts'
import { decideAtTimeout } from '../domain/settlement.ts'
import type { FlowDeps } from './flow-deps.ts'
import { decide, logDecisions, openCalls, storeDecisions } from './settle-call.ts'

/** What one round has done. */
interface Round {
  readonly settled: number
  readonly isFull: boolean
}

const NOTHING: Round = { settled: 0, isFull: false }
/** Batches of one kind before it is looked again what is due. */
const BATCHES_MAX = 4

/**
 * Settles calls whose postback timeout has passed, by the database's clock; as many processes at once as
 * you like. Returns how many it settled: a full batch means that there may be more. Calls of campaigns that
 * tell nobody of it are settled by the database alone. @see behaviour B10
 */
export async function expirePostbacks(deps: FlowDeps): Promise<Round> {
  const versions = await deps.database.transaction(findDueVersions)
  if (versions.length === 0) return NOTHING
  const silent = await silentOf(deps, versions)
  const loud = versions.filter((version) => !silent.includes(version))
  const silently = await inBatches(silent, () => expireSilently(deps, silent))
  const loudly = await inBatches(loud, () => expireLoudly(deps, loud))
  return {
    settled: silently.settled + loudly.settled,
    isFull: silently.isFull || loudly.isFull,
  }
}

async function inBatches(
  versions: readonly CampaignVersionId[],
  expire: () => Promise<Round>,
): Promise<Round> {
  let round: Round = { settled: 0, isFull: versions.length > 0 }
  for (let batch = 0; batch < BATCHES_MAX && round.isFull; batch++) {
    const { settled, isFull } = await expire()
    round = { settled: round.settled + settled, isFull }
  }
  return round
}

/** The versions that fire nothing when a call has not converted, whatever the call. */
async function silentOf(
  deps: FlowDeps,
  versions: readonly CampaignVersionId[],
): Promise<readonly CampaignVersionId[]> {
  const { triggers } = decideAtTimeout(undefined)
  const silent = versions.map(async (one) => {
    const { trackingUrls } = await deps.campaignRules(one.campaignId, one.version)
    return trackingUrls.some(({ trigger }) => triggers.includes(trigger)) ? [] : [one]
  })
  return (await Promise.all(silent)).flat()
}

async function expireSilently(
  deps: FlowDeps,
  versions: readonly CampaignVersionId[],
): Promise<Round> {
  const { expired, isFull } = await deps.database.transaction((db) => settleExpired(db, versions))
  for (const one of expired) logExpired(deps, one)
  return { settled: expired.length, isFull }
}

function logExpired(deps: FlowDeps, { callUuid, campaignId }: Expired): void {
  deps.log.info('call.settled', {
    call_uuid: callUuid,
    campaign_id: campaignId,
    kind: 'settlement',
    conversion: 'not_converted',
    reason: 'no_postback',
    late: false,
  })
}

async function expireLoudly(
  deps: FlowDeps,
  versions: readonly CampaignVersionId[],
): Promise<Round> {
  const { open, queued, isFull } = await deps.database.transaction(async (db) => {
    const { expired, isFull } = await lockExpired(db, versions)
    if (expired.length === 0) return { open: [], queued: 0, isFull }
    const now = await readClock(db)
    const callUuids = expired.map(({ callUuid }) => callUuid)
    const open = [...(await openCalls(db, deps, callUuids)).values()]
    for (const one of open) decide(one, decideAtTimeout(one.group))
    return { open, queued: await storeDecisions(db, deps, open, now), isFull }
  })
  logDecisions(deps, open)
  if (queued > 0) deps.wakeDelivery()
  return { settled: open.length, isFull }
}
