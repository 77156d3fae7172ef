import type { Queryable } from './queryable.ts'

/** The instant of this transaction, by the clock that decides deadlines. */
export async function readClock(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>({
    name: 'read-clock',
    text: `select app_now() "now"`,
  })
  const [row] = rows
  if (!row) throw new Error('app_now() returned no row')
  return row.now
}
