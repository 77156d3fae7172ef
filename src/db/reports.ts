import assert from 'node:assert/strict'
import { DEFAULTS } from '../domain/configuration-defaults.ts'
import { transactUntil } from './cancellable.ts'
import type { Database, Queryable } from './queryable.ts'

/** What a report may be broken down by. */
export const DIMENSIONS = ['campaign', 'publisher', 'buyer', 'number', 'day'] as const

export type Dimension = (typeof DIMENSIONS)[number]

/** What a report is about. */
export interface ReportQuery {
  readonly by: readonly Dimension[]
  /** Which time puts a call into the range and on its day: its beginning, or each decision about it. */
  readonly time: 'call' | 'settlement'
  /** The first instant that counts, or a day such as `2026-03-01`, from its first instant in the zone. */
  readonly from: Date | string
  /** The first instant that does not, or a day. */
  readonly to: Date | string
  /** IANA name of the zone whose days are meant. */
  readonly timeZone: string
}

/** One line of a report; a dimension that was not asked for is absent. */
export interface ReportRow extends Readonly<Partial<Record<Dimension, string | null>>> {
  readonly currency: string
  readonly calls: number
  readonly connected: number
  readonly converted: number
  readonly late: number
  readonly adjusted: number
  /** Exact, with the database's six decimals, as are payout and margin. */
  readonly revenue: string
  readonly payout: string
  readonly margin: string
  readonly connectedSeconds: number
}

const COLUMNS: Readonly<Record<Dimension, string>> = {
  campaign: 'campaign_id',
  publisher: 'publisher_id',
  buyer: 'buyer_id',
  number: 'dialed_number',
  day: `to_char(at at time zone $3, 'YYYY-MM-DD')`,
}

/** Calls as they stand now. A UUID begins with its time, so a range of them is read, a day more at each end. */
const BY_CALL_TIME = `
  select campaign_id, campaign_version, publisher_id, buyer_id, dialed_number, started_at as at,
         1 as calls, (answered_at is not null)::int as connected,
         (conversion = 'converted')::int as converted, late::int as late,
         (conversion = 'converted' and revision > 1 + late::int)::int as adjusted,
         revenue, payout, connected_ms / 1000 as seconds
    from calls
   where started_at >= $1 and started_at < $2
     and call_uuid >= uuid_floor(greatest($1::timestamptz - interval '1 day', 'epoch'))
     and call_uuid < uuid_floor($2::timestamptz + interval '1 day')`

/** What each decision changed, so that a correction counts on the day on which it was made. */
const BY_SETTLEMENT_TIME = `
  select s.campaign_id, s.campaign_version, c.publisher_id, c.buyer_id, c.dialed_number,
         s.decided_at as at, (s.revision = 1)::int as calls,
         (s.revision = 1 and c.answered_at is not null)::int as connected,
         (s.conversion = 'converted' and s.kind <> 'adjustment')::int as converted,
         (s.kind = 'late_conversion')::int as late, (s.kind = 'adjustment')::int as adjusted,
         s.revenue - coalesce(before.revenue, 0) as revenue,
         s.payout - coalesce(before.payout, 0) as payout,
         case when s.revision = 1 then s.connected_ms / 1000 end as seconds
    from settlements s
    join calls c using (call_uuid)
    left join settlements before
           on before.call_uuid = s.call_uuid and before.revision = s.revision - 1
   where s.decided_at >= $1 and s.decided_at < $2`

/**
 * The currency is that of the rules that a call was decided under, and sums of two currencies are none. It is
 * looked up once for each version of the rules, since reading it unpacks all of them.
 */
function textOf({ by, time }: ReportQuery): string {
  const dimensions = by.map((dimension) => `${COLUMNS[dimension]} as "${dimension}"`)
  const names = by.map((dimension) => `"${dimension}"`)
  const places = [...names, 'currency'].map((_, index) => index + 1).join(', ')
  return `
    with facts as (${time === 'call' ? BY_CALL_TIME : BY_SETTLEMENT_TIME}),
    versions as (
      select ${[...dimensions, 'campaign_id', 'campaign_version'].join(', ')},
             sum(calls) calls, sum(connected) connected, sum(converted) converted, sum(late) late,
             sum(adjusted) adjusted, sum(revenue) revenue, sum(payout) payout, sum(seconds) seconds
        from facts where $3::text is not null
       group by ${[...by, 'campaign_id', 'campaign_version'].map((_, index) => index + 1).join(', ')}
    )
    select ${[...names, `coalesce(definition->>'currency', '${DEFAULTS.rules.currency}') "currency"`].join(', ')},
           sum(calls)::int "calls", sum(connected)::int "connected",
           sum(converted)::int "converted", sum(late)::int "late", sum(adjusted)::int "adjusted",
           coalesce(sum(revenue), 0) "revenue", coalesce(sum(payout), 0) "payout",
           coalesce(sum(revenue), 0) - coalesce(sum(payout), 0) "margin",
           coalesce(sum(seconds), 0)::bigint "connectedSeconds"
      from versions
      left join campaign_versions rules
             on rules.campaign_id = versions.campaign_id and rules.version = campaign_version
     group by ${places} order by ${places}`
}

/**
 * The first instant of a day, by the same table of zones that says on which day a row is. Midnight may be
 * skipped, and may come twice: then PostgreSQL takes the second, and the hour between belongs to the day too.
 */
async function findInstant(db: Queryable, from: Date | string, timeZone: string): Promise<Date> {
  if (typeof from !== 'string') return from
  const { rows } = await db.query<{ first: Date }>(
    `select min(at) "first"
       from generate_series(0, 180, 15) minutes,
            lateral (select $1::timestamp at time zone $2 - make_interval(mins => minutes) as at) near
      where at at time zone $2 >= $1::timestamp`,
    [from, timeZone],
  )
  const [found] = rows
  assert(found, 'every day begins')
  return found.first
}

const ROWS_AT_ONCE = 500
const STATEMENT_TIMEOUT_MS = 120_000

/** Who reads a report. */
export interface ReportReader {
  readonly onRows: (rows: readonly ReportRow[]) => Promise<void>
  /** Aborted when nobody reads it any more. */
  readonly gone: AbortSignal
}

/**
 * Hands over the rows of a report, a few hundred at a time and in the order of its dimensions. Ends as soon as
 * its reader has gone.
 */
export async function readReport(
  database: Database,
  query: ReportQuery,
  { onRows, gone }: ReportReader,
): Promise<void> {
  const read = async (db: Queryable) => {
    const { from, to, timeZone } = query
    await db.query(`declare report no scroll cursor for ${textOf(query)}`, [
      await findInstant(db, from, timeZone),
      await findInstant(db, to, timeZone),
      timeZone,
    ])
    for (;;) {
      const { rows } = await db.query<ReportRow>(`fetch ${ROWS_AT_ONCE} from report`)
      if (rows.length === 0) return
      await onRows(rows)
    }
  }
  await transactUntil(database, read, { until: gone, statementTimeoutMs: STATEMENT_TIMEOUT_MS })
}
