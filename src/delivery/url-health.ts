import type { ClaimedDelivery } from '../db/lanes.ts'
import {
  clearProblem,
  listProblems,
  noteProblem,
  type TrackingUrlName,
} from '../db/delivery-problems.ts'
import type { Queryable } from '../db/queryable.ts'
import { type BoundedMap, createBoundedMap } from '../domain/bounded-map.ts'
import {
  afterOutcome,
  HEALTHY,
  type HealthNews,
  type UrlHealth,
} from '../domain/delivery-health.ts'
import type { AttemptedDelivery } from './send.ts'

/** Watches tracking URLs for a person. */
export interface UrlHealthWatch {
  /** Takes an attempt into account. Never rejects: a warning that is lost comes again. */
  noted(delivery: ClaimedDelivery, attempted: Omit<AttemptedDelivery, 'stored'>): Promise<void>
}

/** URLs that are remembered at least, and at most twice as many: those that failed longest ago are forgotten. */
const URLS_MIN = 10_000

/** How often it is looked what other processes have noted. */
const RELOAD_MS = 60_000

/** How a URL has been doing, and since when it is known here that its warning is stored. */
interface WatchedUrl extends UrlHealth {
  /** By the monotonic clock; infinite while it is being stored. */
  readonly seenAtMs: number
}

const UNKNOWN: WatchedUrl = { ...HEALTHY, seenAtMs: -Infinity }

/**
 * Warns, by a log event and in table `tracking_url_problems`, of tracking URLs that are gone or fail
 * again and again, and takes the warning back when one works again. Failures are counted in this
 * process alone; what others have noted or taken back is known within a minute, so that a warning goes even
 * where the process that gave it has gone, and comes again where another has taken it back.
 */
export function watchUrlHealth(
  db: Queryable,
  log: (event: string, fields: object) => void,
  monotonicMs: () => number,
): UrlHealthWatch {
  const urls = createBoundedMap<WatchedUrl>(URLS_MIN)
  let askedAtMs = monotonicMs()
  /** What was not there then has been taken back. */
  let listedAtMs = -Infinity
  const load = async (atMs: number) => {
    if (await takeOver(db, urls, atMs)) listedAtMs = atMs
  }
  let loaded = load(askedAtMs)

  return {
    async noted(delivery, attempted) {
      if (monotonicMs() - askedAtMs >= RELOAD_MS) {
        askedAtMs = monotonicMs()
        loaded = load(askedAtMs)
      }
      await loaded
      const name = nameOf(delivery)
      const known = urls.get(name) ?? UNKNOWN
      const isTakenBack = known.problem !== 'none' && known.seenAtMs < listedAtMs
      const [health, news] = afterOutcome(isTakenBack ? HEALTHY : known, attempted.outcome)
      const seenAtMs = news === 'nothing' ? known.seenAtMs : Infinity
      if (health.failures > 0) urls.set(name, { ...health, seenAtMs })
      else urls.delete(name)
      if (news === 'nothing') return
      log(EVENTS[news], fieldsOf(delivery, attempted, health.failures))
      await store(db, delivery, attempted, health).catch(() => {})
      const stored = urls.get(name)
      if (stored) urls.set(name, { ...stored, seenAtMs: monotonicMs() })
    },
  }
}

/** What was counted here stays; that a person has been told is taken over. False where that cannot be said. */
async function takeOver(
  db: Queryable,
  urls: BoundedMap<WatchedUrl>,
  atMs: number,
): Promise<boolean> {
  try {
    for (const problem of await listProblems(db)) {
      const name = nameOf(problem)
      const known = urls.get(name) ?? problem
      const told = known.problem === 'none' ? problem.problem : known.problem
      urls.set(name, { failures: known.failures, problem: told, seenAtMs: atMs })
    }
    return true
  } catch {
    // The database is away: what it holds is noted again when it happens again.
    return false
  }
}

const EVENTS: Readonly<Record<Exclude<HealthNews, 'nothing'>, string>> = {
  gone: 'delivery.url_gone',
  failing: 'delivery.url_failing',
  recovered: 'delivery.url_recovered',
}

const nameOf = ({ campaignId, trackingUrlId }: TrackingUrlName): string =>
  `${campaignId} ${trackingUrlId}`

function fieldsOf(
  { campaignId: campaign_id, trackingUrlId: tracking_url_id, host }: ClaimedDelivery,
  { status, error }: Pick<AttemptedDelivery, 'status' | 'error'>,
  failures: number,
): object {
  return { campaign_id, tracking_url_id, host, failures, status, error }
}

async function store(
  db: Queryable,
  { campaignId, trackingUrlId, host }: ClaimedDelivery,
  attempted: Pick<AttemptedDelivery, 'status' | 'error'>,
  { failures, problem }: UrlHealth,
): Promise<void> {
  const name = { campaignId, trackingUrlId }
  if (problem === 'none') return clearProblem(db, name)
  const last = { host, status: attempted.status ?? null, error: attempted.error ?? null }
  await noteProblem(db, { ...name, ...last, problem, failures })
}
