import { transactUntil } from '../../db/cancellable.ts'
import { isStatementTimeout } from '../../db/pool.ts'
import type { Database, Queryable } from '../../db/queryable.ts'
import { AppError } from '../../domain/app-error.ts'
import { createTurns } from './turns.ts'

/**
 * Asks the database what may take long. `gone` is aborted once nobody waits for it any more; then it ends.
 * @throws AppError `search_too_slow`; `too_many_searches` where it has not begun
 */
export type Search = <T>(work: (db: Queryable) => Promise<T>, gone: AbortSignal) => Promise<T>

/** What every route that searches may answer. */
export const SEARCH_PROBLEMS = ['search_too_slow', 'too_many_searches'] as const

/** How long a search may take. */
export interface SearchLimits {
  /** Until it begins. */
  readonly turnMaxMs: number
  /** From its beginning to its end. */
  readonly searchMaxMs: number
}

/** Calls use the same connections and must not wait for people who look for something. */
const SEARCHES_AT_ONCE = 4
/** More than steps of calls are given; and a connection on which nothing comes for 15 s is closed. */
const LIMITS: SearchLimits = { turnMaxMs: 4_000, searchMaxMs: 10_000 }

/** Gives searches a few connections in turn, and more time than steps of calls. */
export function createSearch(
  database: Database,
  { turnMaxMs, searchMaxMs }: SearchLimits = LIMITS,
): Search {
  const turns = createTurns(SEARCHES_AT_ONCE)
  return async (work, gone) => {
    const notWaiting = AbortSignal.any([gone, AbortSignal.timeout(turnMaxMs)])
    const search = () => {
      const until = AbortSignal.any([gone, AbortSignal.timeout(searchMaxMs)])
      const options = { until, statementTimeoutMs: searchMaxMs }
      return orTooSlow(transactUntil(database, work, options), until)
    }
    try {
      return await turns(search, notWaiting)
    } catch (cause) {
      if (cause !== notWaiting.reason) throw cause
      throw new AppError('too_many_searches', 'Others search at present: try again later.', {
        cause,
      })
    }
  }
}

/**
 * What was asked for. A database that gives up for time is not away: asked the same again it does the same again.
 * @param until what it ended with, if aborted
 * @throws AppError `search_too_slow`
 */
export async function orTooSlow<T>(asked: Promise<T>, until: AbortSignal): Promise<T> {
  try {
    return await asked
  } catch (cause) {
    if (!isStatementTimeout(cause) && !until.aborted) throw cause
    throw new AppError('search_too_slow', 'The search took too long: narrow it by time.', { cause })
  }
}
