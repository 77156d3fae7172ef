import type { FinishedAttempt, NextStep } from '../../../src/db/finished-attempts.ts'
import { claimDue, type ClaimedDelivery, type ClaimRequest } from '../../../src/db/lanes.ts'
import type { Database } from '../../../src/db/queryable.ts'

const DONE: NextStep = { kind: 'done', state: 'delivered' }

/** Claims as a worker does that is otherwise idle. */
export const claim = (db: Database, overrides: Partial<ClaimRequest> = {}) =>
  claimDue(db, {
    limit: 100,
    perHostMax: 4,
    slots: new Map(),
    afterHost: '',
    leaseMs: 15_000,
    ...overrides,
  })

/** The result of a claimed delivery: delivered, unless said. */
export function attempted(
  claimed: ClaimedDelivery | undefined,
  next: NextStep = DONE,
): FinishedAttempt {
  if (!claimed) throw new Error('nothing was claimed')
  const { callUuid, trackingUrlId, token, occurrence, claimedAt } = claimed
  const done = { status: 200, error: undefined, method: 'HEAD', durationMs: 12.4 }
  return { callUuid, trackingUrlId, token, occurrence, next, startedAt: claimedAt, ...done }
}
