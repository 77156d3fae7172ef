import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { formatMoney } from '../../db/call-records.ts'
import type { Database } from '../../db/queryable.ts'
import {
  DIMENSIONS,
  type Dimension,
  readReport,
  type ReportQuery,
  type ReportRow,
} from '../../db/reports.ts'
import { isTimeZone } from '../../domain/configuration-hours.ts'
import { minorUnitDigits, parseDecimal, toAmount } from '../../domain/money.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { described } from '../openapi/route-description.ts'
import { amountOrNull } from './answer-fields.ts'
import { type Send, sendStream, type Write } from './answer-stream.ts'
import { InstantOrDay, readQuery } from './query.ts'
import { registerPostbackSearch } from './reports-postbacks.ts'
import { registerWhy } from './reports-why.ts'
import { orTooSlow, type Search } from './search.ts'
import { createTurns } from './turns.ts'

/** What reports need from around them. */
export interface ReportsDeps {
  readonly database: Database
  readonly logger: Logger
}

/** Calls use the same connections and must not wait for reports. */
const REPORTS_AT_ONCE = 4
/** What the database gives a report, and as much again for those before it. */
const COMPUTING_MAX_MS = 5 * 60_000

const isDimension = (name: string): name is Dimension => DIMENSIONS.some((each) => each === name)

const By = z.string().transform((text, context) => {
  const names = text.split(',')
  const known = names.filter(isDimension)
  if (known.length === names.length && new Set(names).size === names.length) return known
  context.addIssue(`must be some of ${DIMENSIONS.join(', ')}, separated by commas`)
  return z.NEVER
})

const HOW_ZONE = 'must be an IANA time zone, such as America/New_York'

const Query = z.strictObject({
  by: By.prefault('campaign').describe(
    `Any of ${DIMENSIONS.join(', ')}, separated by commas, in the order of the rows.`,
  ),
  time: z
    .enum(['call', 'settlement'])
    .default('call')
    .describe('What puts a call into the range: its beginning, or each decision about it.'),
  from: InstantOrDay.describe(
    'The first instant that counts, or a day of `time_zone`, with which it begins.',
  ),
  to: InstantOrDay.describe(
    'The first instant that does not, or the first day of which none does.',
  ),
  time_zone: z
    .string()
    // PostgreSQL reads +05:30 the other way round.
    .refine((zone) => /^[a-z]/i.test(zone) && isTimeZone(zone), HOW_ZONE)
    .default('UTC')
    .describe('Whose days are meant, an IANA name.'),
  format: z.enum(['json', 'csv']).default('json'),
})

const textIfAsked = z.string().nullable().optional()

const ROW_ANSWER = z
  .object({
    campaign: textIfAsked,
    publisher: textIfAsked,
    buyer: textIfAsked,
    number: textIfAsked,
    day: textIfAsked,
    currency: z.string(),
    calls: z.int(),
    connected: z.int(),
    converted: z.int(),
    late: z.int(),
    adjusted: z.int(),
    revenue: amountOrNull,
    payout: amountOrNull,
    margin: amountOrNull,
    connected_seconds: z.int(),
  })
  .meta({ id: 'ReportRow' })

const REPORT = described({
  group: 'Reports',
  summary: 'Counts calls and sums their money',
  query: Query,
  answers: {
    200: {
      description:
        'The rows in order, the dimensions that were asked for first. An answer that ends before its end ' +
        'was reached is cut off.',
      content: { 'application/json': z.array(ROW_ANSWER), 'text/csv': z.string() },
    },
  },
  problems: ['search_too_slow'],
})

/** `GET /reports`, the search through postbacks, and why a call is worth what it is. */
export function registerReports(
  app: FastifyInstance,
  { database, logger }: ReportsDeps,
  search: Search,
): void {
  const turns = createTurns(REPORTS_AT_ONCE)
  registerWhy(app, database)
  registerPostbackSearch(app, search)
  app.get('/reports', REPORT, (request, reply) => {
    const query = readQuery(Query, request.query, reply)
    if (!query) return reply
    const { time_zone: timeZone, format, ...rest } = query
    const wanted: ReportQuery = { ...rest, timeZone }
    const send = format === 'csv' ? sendCsv : sendJson
    const sendInTurn: Send = (write, gone) =>
      turns(async () => {
        const read: Read = (onRows) =>
          orTooSlow(readReport(database, wanted, { onRows, gone }), gone)
        await send(write, wanted, read)
      }, gone)
    return sendStream(reply, sendInTurn, {
      type: `${TYPES[format]}; charset=utf-8`,
      computingMaxMs: COMPUTING_MAX_MS,
      logger,
    })
  })
}

const TYPES = { json: 'application/json', csv: 'text/csv' } as const

type Read = (onRows: (rows: readonly ReportRow[]) => Promise<void>) => Promise<void>

async function sendJson(write: Write, { by }: ReportQuery, read: Read): Promise<void> {
  let separator = '['
  await read(async (rows) => {
    const lines = rows.map((row) => JSON.stringify(showRow(by, row)))
    await write(`${separator}\n${lines.join(',\n')}`)
    separator = ','
  })
  await write(separator === '[' ? '[]\n' : '\n]\n')
}

async function sendCsv(write: Write, { by }: ReportQuery, read: Read): Promise<void> {
  let head = `${[...by, ...MEASURES].join(',')}\r\n`
  await read(async (rows) => {
    const lines = rows.map((row) => Object.values(showRow(by, row)).map(csvField).join(','))
    await write(`${head}${lines.join('\r\n')}\r\n`)
    head = ''
  })
  if (head !== '') await write(head)
}

const MEASURES = [
  'currency',
  'calls',
  'connected',
  'converted',
  'late',
  'adjusted',
  'revenue',
  'payout',
  'margin',
  'connected_seconds',
]

/** A line in the API: dimensions in the order in which they were asked for, then {@link MEASURES}. */
function showRow(by: readonly Dimension[], row: ReportRow): Readonly<Record<string, unknown>> {
  const { currency, calls, connected, converted, late, adjusted } = row
  const margin = parseDecimal(row.margin)
  return {
    ...Object.fromEntries(by.map((dimension) => [dimension, row[dimension] ?? null])),
    currency,
    calls,
    connected,
    converted,
    late,
    adjusted,
    ...formatMoney(row, currency),
    margin: margin ? toAmount(margin, minorUnitDigits(currency)) : null,
    connected_seconds: row.connectedSeconds,
  }
}

/** Quoted where it must be; a spreadsheet takes nothing for a formula. @see RFC 4180 §2 */
function csvField(value: unknown): string {
  if (typeof value === 'number') return String(value)
  const text = typeof value === 'string' ? value : ''
  const safe = /^[=+@\t\r]|^-(?![\d.])/.test(text) && !/^\+\d+$/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
