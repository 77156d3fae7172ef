import { DatabaseError } from 'pg'
import type { Database, Queryable } from './queryable.ts'

/** How much was dropped. */
export interface DroppedMonth {
  readonly calls: number
  readonly entries: number
}

/** What became of the wish to drop a month; `why` is a sentence for people. */
export type MonthDrop =
  ({ readonly kind: 'dropped' } & DroppedMonth) | { readonly kind: 'refused'; readonly why: string }

/** What `drop_month` raises. */
const REFUSED = 'P0001'
/** Somebody was at work on the tables for longer than others may be kept waiting. */
const BUSY = new Set(['55P03', '40P01'])

/**
 * Drops a month, written as in 2026-01, from all tables; of its entries in the ledger place and hash remain.
 * Refused while one of its calls is up or waits, or has deliveries queued.
 * @param record puts it on record, in the same transaction
 */
export async function dropMonth(
  database: Database,
  month: string,
  record: (db: Queryable, dropped: DroppedMonth) => Promise<void>,
): Promise<MonthDrop> {
  try {
    const dropped = await database.transaction(
      async (db) => {
        const done = await askToDrop(db, month)
        await record(db, done)
        return done
      },
      { statementTimeoutMs: 0 },
    )
    return { kind: 'dropped', ...dropped }
  } catch (error) {
    const why = whyRefused(error, month)
    if (why === undefined) throw error
    return { kind: 'refused', why }
  }
}

async function askToDrop(db: Queryable, month: string): Promise<DroppedMonth> {
  const { rows } = await db.query<DroppedMonth>(
    `select dropped_calls "calls", dropped_entries "entries" from drop_month($1)`,
    [month],
  )
  return rows[0] ?? { calls: 0, entries: 0 }
}

function whyRefused(error: unknown, month: string): string | undefined {
  if (!(error instanceof DatabaseError)) return undefined
  if (error.code === REFUSED) return error.message
  return BUSY.has(error.code ?? '')
    ? `The tables were in use for too long to drop ${month}: try again when less is going on.`
    : undefined
}
