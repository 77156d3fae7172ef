import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../db/queryable.ts'

/** What the peer is called in tables. */
export const NAIVE = 'one transaction a request'
/** Requests of the peer under way at once. */
export const NAIVE_IN_FLIGHT = 32

/**
 * The peer of the benches of money: what is written first, one transaction a request, with the same rows of
 * calls and postbacks and without ledger, outbox and arithmetic.
 */
export function naivePostback(database: Database): (callUuid: string) => Promise<void> {
  return (callUuid) =>
    database.transaction(async (db) => {
      await db.query({
        name: 'naive-lock',
        text: `select conversion, settle_at from calls where call_uuid = $1 for update`,
        values: [callUuid],
      })
      await db.query({
        name: 'naive-insert',
        text: `insert into postbacks (call_uuid, postback_id, received_at, source, method, query, body, leg,
                                      http_status, status, reason, conversion, revenue_text)
               values ($1, $2, now(), '127.0.0.1', 'GET', 'key=&revenue=10.00', '', 1, 200, 'converted',
                       'posted_revenue', 'converted', '10.00')`,
        values: [callUuid, uuidv7()],
      })
      await db.query({
        name: 'naive-update',
        text: `update calls set conversion = 'converted', settled_at = now(), revenue = 10, payout = 8,
                      revision = revision + 1, reason = 'posted_revenue' where call_uuid = $1`,
        values: [callUuid],
      })
    })
}

/** The same for timeouts: each due call in a transaction of its own. False once none is due. */
export function naiveExpiry(database: Database): () => Promise<boolean> {
  return () =>
    database.transaction(async (db) => {
      const { rows } = await db.query<{ callUuid: string }>({
        name: 'naive-due',
        text: `select call_uuid "callUuid" from calls
                where conversion = 'pending' and settle_at <= app_now()
                order by settle_at limit 1 for update skip locked`,
      })
      const [due] = rows
      if (!due) return false
      await db.query({
        name: 'naive-expire',
        text: `update calls set conversion = 'not_converted', settled_at = app_now(),
                      revision = revision + 1, reason = 'no_postback' where call_uuid = $1`,
        values: [due.callUuid],
      })
      return true
    })
}
