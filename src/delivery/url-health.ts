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

/**
 * Warns, by a log event and in table `tracking_url_problems`, of tracking URLs that are gone or fail
 * again and again, and takes the warning back when one works again. Failures are counted in this
 * process alone; what others have noted is known within a minute, so that a warning goes even where the
 * process that gave it has gone.
 */
export function watchUrlHealth(
  db: Queryable,
  log: (event: string, fields: object) => void,
  monotonicMs: () => number,
): UrlHealthWatch {
  const urls = createBoundedMap<UrlHealth>(URLS_MIN)
  let loaded = load(db, urls)
  let loadedAtMs = monotonicMs()

  return {
    async noted(delivery, attempted) {
      if (monotonicMs() - loadedAtMs >= RELOAD_MS) {
        loadedAtMs = monotonicMs()
        loaded = load(db, urls)
      }
      await loaded
      const name = nameOf(delivery)
      const [health, news] = afterOutcome(urls.get(name) ?? HEALTHY, attempted.outcome)
      if (health.failures > 0) urls.set(name, health)
      else urls.delete(name)
      if (news === 'nothing') return
      log(EVENTS[news], fieldsOf(delivery, attempted, health.failures))
      await store(db, delivery, attempted, health).catch(() => {})
    },
  }
}

/** What was counted here stays; that a person has been told is taken over. */
async function load(db: Queryable, urls: BoundedMap<UrlHealth>): Promise<void> {
  try {
    for (const problem of await listProblems(db)) {
      const name = nameOf(problem)
      const known = urls.get(name)
      if (!known) urls.set(name, problem)
      else if (known.problem === 'none') urls.set(name, { ...known, problem: problem.problem })
    }
  } catch {
    // The database is away: what it holds is noted again when it happens again.
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
