import { isStatementTimeout } from '../../db/pool.ts'
import type { Database, Queryable } from '../../db/queryable.ts'
import { AppError } from '../../domain/app-error.ts'
import { createTurns } from './turns.ts'

/** Asks the database what may take long. @throws AppError `search_too_slow` */
export type Search = <T>(work: (db: Queryable) => Promise<T>) => Promise<T>

/** Calls use the same connections and must not wait for people who look for something. */
const SEARCHES_AT_ONCE = 4
/** More than steps of calls are given; a connection on which nothing comes for 15 s is closed. */
const SEARCH_MAX_MS = 10_000

/** Gives searches a few connections in turn, and more time than steps of calls. */
export function createSearch(database: Database): Search {
  const turns = createTurns(SEARCHES_AT_ONCE)
  return (work) =>
    turns(() => orTooSlow(database.transaction(work, { statementTimeoutMs: SEARCH_MAX_MS })))
}

/**
 * What was asked for. A database that gives up for time is not away: asked the same again it does the same again.
 * @throws AppError `search_too_slow`
 */
export async function orTooSlow<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (cause) {
    if (!isStatementTimeout(cause)) throw cause
    throw new AppError('search_too_slow', 'The search took too long: narrow it by time.', { cause })
  }
}
