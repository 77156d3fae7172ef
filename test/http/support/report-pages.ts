import type { Database, Queryable, QueryResult } from '../../../src/db/queryable.ts'
import type { ReportRow } from '../../../src/db/reports.ts'
import { waitFor } from '../../support/wait.ts'

/** A page of rows that a report has asked for, and that has not come yet. */
interface AwaitedPage {
  /** It comes, full. */
  readonly arrives: () => void
  /** It comes empty: there are no more rows. */
  readonly ends: () => void
  readonly fails: (error: Error) => void
}

const ROW: ReportRow = {
  campaign: 'solar',
  currency: 'USD',
  calls: 1,
  connected: 1,
  converted: 0,
  late: 0,
  adjusted: 0,
  revenue: '0',
  payout: '0',
  margin: '0',
  connectedSeconds: 1,
}
const ROWS = Array.from({ length: 500 }, () => ROW)

/** A database that knows reports only, whose pages come when the test says so. */
export function reportPages() {
  const pages: AwaitedPage[] = []
  let begun = 0
  let open = 0
  const nextPage = () => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly object[]>()
    pages.push({ arrives: () => resolve(ROWS), ends: () => resolve([]), fails: reject })
    return promise
  }
  const db: Queryable = {
    async query<Row extends object>(statement: unknown) {
      const rows = String(statement).startsWith('fetch') ? await nextPage() : []
      return { rows, rowCount: rows.length } as unknown as QueryResult<Row>
    },
  }
  const database: Database = {
    ...db,
    async transaction(work) {
      begun += 1
      open += 1
      return work(db).finally(() => (open -= 1))
    },
    close: () => Promise.resolve(),
  }
  return {
    database,
    /** Waits until the page of this number, of all that all reports ask for, is asked for. */
    page: (number: number) => waitFor(() => pages[number - 1], { what: `page ${number}` }),
    asked: () => pages.length,
    /** Transactions so far. */
    begun: () => begun,
    /** Transactions that have not ended. */
    open: () => open,
  }
}
