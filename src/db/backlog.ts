import type { Queryable } from './queryable.ts'

/** How much there is to do, of all processes together. */
export interface Backlog {
  readonly callsRinging: number
  readonly callsBridged: number
  /** Calls whose decision waits for a postback. */
  readonly decisionsPending: number
  /** How late the decision is that should have been made first; 0 where none is late. */
  readonly decisionsLateSeconds: number
  /** Deliveries that have not been taken and not been given up. */
  readonly deliveriesQueued: number
  /** Lanes that could be sent now, or are being sent. */
  readonly lanesDue: number
  /** How long the lane that has been due for longest waits; 0 where none is due. */
  readonly oldestDueSeconds: number
}

/**
 * Reads it. Looks at every lane, which are few unless there is a backlog, and at the calls that are up
 * or undecided: not more often than every few seconds.
 */
export async function readBacklog(db: Queryable): Promise<Backlog> {
  // Not a named statement: those never read a table from end to end, and this one should.
  const { rows } = await db.query<Backlog>(BACKLOG)
  const [backlog] = rows
  if (!backlog) throw new Error('an aggregate gave no row')
  return backlog
}

const seconds = (instant: string): string =>
  `greatest(0, coalesce(extract(epoch from app_now() - ${instant}), 0))::float8`

// What is leased has its run_at ahead, and so is not late.
const BACKLOG = `
  select live.*, decisions.*, lanes.*
    from (select count(*) filter (where state = 'ringing') "callsRinging",
                 count(*) filter (where state = 'bridged') "callsBridged"
            from calls where state <> 'ended') live,
         (select count(*) "decisionsPending", ${seconds('min(settle_at)')} "decisionsLateSeconds"
            from deadlines) decisions,
         (select coalesce(sum(pending), 0)::bigint "deliveriesQueued",
                 count(*) filter (where run_at <= app_now() or token is not null) "lanesDue",
                 ${seconds('min(run_at)')} "oldestDueSeconds"
            from lanes where pending > 0) lanes`
