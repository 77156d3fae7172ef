import { type CampaignVersionId, findSigningSecrets } from '../db/delivery-secrets.ts'
import type { Queryable } from '../db/queryable.ts'
import { createBoundedMap } from '../domain/bounded-map.ts'

/** The secrets that a delivery is signed with, newest first; none for a URL without any. */
export type FindSecrets = (
  delivery: CampaignVersionId & { readonly trackingUrlId: string },
) => Promise<readonly string[]>

type ByUrl = ReadonlyMap<string, readonly string[]>

interface Known {
  byUrl: Promise<ByUrl>
  readAtMs: number
}

const FRESH_MS = 5_000
const USABLE_MS = 30_000
/** Versions of campaigns in memory at least, and at most twice as many. */
const CAMPAIGNS_MIN = 1_000

/**
 * Reads secrets from the configuration and keeps them for a while: a change counts within 5 s where a
 * URL is busy, within 30 s otherwise, which is why a receiver keeps the old secret for a minute. What
 * is due for another look is used meanwhile, so that no ping waits for it.
 */
export function createSecrets(
  db: Queryable,
  monotonicMs: () => number = () => performance.now(),
): FindSecrets {
  const known = createBoundedMap<Known>(CAMPAIGNS_MIN)

  function read(name: string, version: CampaignVersionId): Known {
    const entry: Known = { byUrl: findSigningSecrets(db, version), readAtMs: monotonicMs() }
    entry.byUrl.catch(() => {
      known.delete(name)
    })
    known.set(name, entry)
    return entry
  }

  /** Goes on with what is known if the database is away. */
  function refresh(entry: Known, version: CampaignVersionId): void {
    entry.readAtMs = monotonicMs()
    findSigningSecrets(db, version).then(
      (byUrl) => (entry.byUrl = Promise.resolve(byUrl)),
      () => {},
    )
  }

  return async (delivery) => {
    const name = `${delivery.campaignId} ${delivery.campaignVersion}`
    const entry = known.get(name)
    const ageMs = entry ? monotonicMs() - entry.readAtMs : Number.POSITIVE_INFINITY
    const usable = entry && ageMs < USABLE_MS ? entry : read(name, delivery)
    if (entry && usable === entry && ageMs >= FRESH_MS) refresh(entry, delivery)
    const byUrl = await usable.byUrl
    return byUrl.get(delivery.trackingUrlId) ?? []
  }
}
