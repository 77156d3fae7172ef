import type { Pool, PoolClient } from 'pg'
import { v7 as uuidv7 } from 'uuid'

/** What the peer is called in tables. */
export const NAIVE = 'one transaction a request'
/** Requests of the peer under way at once. */
export const NAIVE_IN_FLIGHT = 32

/** A transaction as it is written first, with nothing of what the service knows about plans and pipelines. */
async function transact<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    client.release()
    return result
  } catch (error) {
    client.release(true)
    throw error
  }
}

/**
 * The peer of the benches of money: what is written first, one transaction a request, with the same rows of
 * calls and postbacks and without ledger, outbox and arithmetic.
 */
export function naivePostback(pool: Pool): (callUuid: string) => Promise<void> {
  return (callUuid) =>
    transact(pool, async (client) => {
      await client.query({
        name: 'naive-lock',
        text: `select conversion, settle_at from calls where call_uuid = $1 for update`,
        values: [callUuid],
      })
      await client.query({
        name: 'naive-insert',
        text: `insert into postbacks (call_uuid, postback_id, received_at, source, method, query, body, leg,
                                      http_status, status, reason, conversion, revenue_text)
               values ($1, $2, now(), '127.0.0.1', 'GET', 'key=&revenue=10.00', '', 1, 200, 'converted',
                       'posted_revenue', 'converted', '10.00')`,
        values: [callUuid, uuidv7()],
      })
      await client.query({
        name: 'naive-update',
        text: `update calls set conversion = 'converted', settled_at = now(), revenue = 10, payout = 8,
                      revision = revision + 1, reason = 'posted_revenue' where call_uuid = $1`,
        values: [callUuid],
      })
    })
}

/** Whether there is such a call: what a key costs that is stored with it. */
export function naiveLookUp(pool: Pool): (callUuid: string) => Promise<void> {
  return async (callUuid) => {
    await pool.query({
      name: 'naive-look-up',
      text: 'select bridged_leg from calls where call_uuid = $1',
      values: [callUuid],
    })
  }
}

/**
 * The same for timeouts: each due call in a transaction of its own. False once none is due.
 * @param url is queued for each
 */
export function naiveExpiry(pool: Pool, url?: string): () => Promise<boolean> {
  return () =>
    transact(pool, async (client) => {
      const { rows } = await client.query<{ callUuid: string }>({
        name: 'naive-due',
        text: `delete from deadlines
                where ctid = (select ctid from deadlines where deadline_slot(settle_at) <= app_now()
                               order by deadline_slot(settle_at) limit 1 for update skip locked)
            returning call_uuid "callUuid"`,
      })
      const [due] = rows
      if (!due) return false
      await client.query({
        name: 'naive-expire',
        text: `update calls set conversion = 'not_converted', settled_at = app_now(),
                      revision = revision + 1, reason = 'no_postback' where call_uuid = $1`,
        values: [due.callUuid],
      })
      if (url === undefined) return true
      await client.query({
        name: 'naive-queue',
        text: `insert into deliveries (call_uuid, tracking_url_id, occurrence, trigger, method, url,
                                       get_after_head_refused, queued_at)
               values ($1, 'no-sale', 1, 'not_converted', 'GET', $2, false, now())`,
        values: [due.callUuid, url],
      })
      return true
    })
}
