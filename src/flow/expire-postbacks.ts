import { lockExpired } from '../db/calls.ts'
import { readClock } from '../db/clock.ts'
import {
  type CampaignVersionId,
  type Expired,
  findDueVersions,
  settleExpired,
} from '../db/expiries.ts'
import { decideAtTimeout } from '../domain/settlement.ts'
import type { FlowDeps } from './flow-deps.ts'
import { decide, logDecisions, openCalls, storeDecisions } from './settle-call.ts'

const BATCH_MAX = 500
const SILENT_BATCH_MAX = 2_000

/** What one round has done. */
interface Round {
  readonly settled: number
  readonly isFull: boolean
}

const NOTHING: Round = { settled: 0, isFull: false }

/**
 * Settles calls whose postback timeout has passed, by the database's clock; as many processes at once as
 * you like. Returns how many it settled: a full batch means that there may be more. Calls of campaigns that
 * tell nobody of it are settled by the database alone. @see behaviour B10
 */
export async function expirePostbacks(deps: FlowDeps): Promise<Round> {
  const versions = await findDueVersions(deps.database)
  if (versions.length === 0) return NOTHING
  const silent = await silentOf(deps, versions)
  const silently = silent.length > 0 ? await expireSilently(deps, silent) : NOTHING
  const loudly = silent.length < versions.length ? await expireLoudly(deps) : NOTHING
  return {
    settled: silently.settled + loudly.settled,
    isFull: silently.isFull || loudly.isFull,
  }
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
  const expired = await settleExpired(deps.database, versions, SILENT_BATCH_MAX)
  for (const one of expired) logExpired(deps, one)
  return { settled: expired.length, isFull: expired.length === SILENT_BATCH_MAX }
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

async function expireLoudly(deps: FlowDeps): Promise<Round> {
  const { open, queued } = await deps.database.transaction(async (db) => {
    const locked = await lockExpired(db, BATCH_MAX)
    if (locked.length === 0) return { open: [], queued: 0 }
    const now = await readClock(db)
    const open = [...(await openCalls(db, deps, locked)).values()]
    for (const one of open) decide(one, decideAtTimeout(one.group))
    return { open, queued: await storeDecisions(db, deps, open, now) }
  })
  logDecisions(deps, open)
  if (queued > 0) deps.wakeDelivery()
  return { settled: open.length, isFull: open.length === BATCH_MAX }
}
