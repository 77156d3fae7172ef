import { setTimeout as delay } from 'node:timers/promises'
import { createBatcher } from '../db/batch.ts'
import { type Finish, finish, type FinishedAttempt } from '../db/finished-attempts.ts'
import { isConnectionFailure } from '../db/pool.ts'
import type { Database } from '../db/queryable.ts'
import type { DatabaseHealth } from './database-health.ts'

/** What became of a result: as `Finish`, or never stored, in which case its lease runs out. */
export type Stored = Finish | { readonly kind: 'unstored'; readonly error: unknown }

/** Stores what attempts came to. */
export interface Results {
  /** Never rejects. While the database is away it goes on trying until `stop` is aborted. */
  store(result: FinishedAttempt): Promise<Stored>
  /** Results that an outage has kept from being stored: nothing should be claimed before they are. */
  areHeldUp(): boolean
}

const BATCH_MAX = 200
const BATCHES_AT_ONCE = 2

/** Puts results that arrive together into one statement. */
export function createResults(
  database: Database,
  health: DatabaseHealth,
  stop: AbortSignal,
): Results {
  let unstored = 0
  let back = new AbortController()
  const batcher = createBatcher<FinishedAttempt, Finish>({
    run: (results) => finish(database, results),
    sizeMax: BATCH_MAX,
    concurrency: BATCHES_AT_ONCE,
  })

  async function store(result: FinishedAttempt): Promise<Stored> {
    for (;;) {
      try {
        const finished = await batcher.add(result)
        if (health.isAway()) wakeAll()
        health.succeeded()
        return finished
      } catch (error) {
        if (!isConnectionFailure(error) || stop.aborted) return { kind: 'unstored', error }
        health.failed(error)
      }
      const signal = AbortSignal.any([stop, back.signal])
      await delay(health.pauseMs(), undefined, { signal }).catch(() => {})
    }
  }

  /** The database is back: what waits to be stored would be sent again if this process died now. */
  function wakeAll(): void {
    back.abort()
    back = new AbortController()
  }

  return {
    async store(result) {
      unstored += 1
      try {
        return await store(result)
      } finally {
        unstored -= 1
      }
    },
    areHeldUp: () => unstored > 0 && health.isAway(),
  }
}
