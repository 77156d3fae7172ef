import { Agent, request } from 'undici'
import type { Database } from '../../db/queryable.ts'

/** What the delivery worker is compared with. */
export const PEER = 'one table with skip locked'

/**
 * The queue that most services have: one table, claimed in order of time with `skip locked`, each
 * result a statement of its own. No lanes, no order, no cap for a host, no record of attempts.
 */
export interface PlainQueue {
  /** Queues one job for each URL, and commits. */
  readonly enqueue: (urls: readonly string[]) => Promise<void>
  readonly wake: () => void
  readonly close: () => Promise<void>
}

const POLL_MS = 250

/** Makes its table, if it is not there. */
async function prepare(database: Database): Promise<void> {
  await database.query(
    `create table if not exists plain_jobs (
       job_id bigint generated always as identity primary key,
       url text not null, run_at timestamptz not null default now(), done_at timestamptz)`,
  )
  await database.query(
    `create index if not exists plain_due on plain_jobs (run_at) where done_at is null`,
  )
}

/** Queues jobs before its worker is there. */
export async function fillPlainQueue(database: Database, urls: readonly string[]): Promise<void> {
  await prepare(database)
  await insertJobs(database, urls)
}

async function insertJobs(database: Database, urls: readonly string[]): Promise<void> {
  await database.query(`insert into plain_jobs (url) select * from unnest($1::text[])`, [urls])
}

/** Starts its worker, with as many requests at once as told. */
export async function startPlainQueue(
  database: Database,
  concurrency: number,
): Promise<PlainQueue> {
  await prepare(database)
  const agent = new Agent({ connections: 64 })
  const running = new Set<Promise<void>>()
  const state = { isClosing: false, isClaiming: false, isWanted: false }
  let claiming = Promise.resolve()

  function claim(): void {
    state.isWanted = true
    if (!state.isClaiming && !state.isClosing) claiming = claimWhileWanted()
  }

  async function claimWhileWanted(): Promise<void> {
    state.isClaiming = true
    while (state.isWanted && !state.isClosing && running.size < concurrency) {
      state.isWanted = false
      for (const job of await claimJobs(database, concurrency - running.size)) start(job)
    }
    state.isClaiming = false
  }

  function start({ jobId, url }: PlainJob): void {
    const done = send(agent, url)
      .then(() => finishJob(database, jobId))
      .finally(() => {
        running.delete(done)
        claim()
      })
    running.add(done)
  }

  const poll = setInterval(() => claim(), POLL_MS)
  return {
    enqueue: (urls) => insertJobs(database, urls),
    wake: () => claim(),
    async close() {
      clearInterval(poll)
      state.isClosing = true
      await claiming
      await Promise.allSettled(running)
      await agent.destroy()
      await database.query('drop table plain_jobs')
    },
  }
}

interface PlainJob {
  readonly jobId: number
  readonly url: string
}

async function claimJobs(database: Database, limit: number): Promise<readonly PlainJob[]> {
  const { rows } = await database.query<PlainJob>({
    name: 'plain-claim',
    text: `update plain_jobs set run_at = now() + interval '15 s'
            where job_id = any (array(select job_id from plain_jobs
                    where done_at is null and run_at <= now()
                    order by run_at limit $1 for update skip locked))
          returning job_id "jobId", url`,
    values: [limit],
  })
  return rows
}

async function finishJob(database: Database, jobId: number): Promise<void> {
  await database.query({
    name: 'plain-finish',
    text: `update plain_jobs set done_at = now() where job_id = $1`,
    values: [jobId],
  })
}

async function send(agent: Agent, url: string): Promise<void> {
  const { body } = await request(url, { dispatcher: agent })
  await body.dump()
}

/** The claim of lanes under the same caps, written without walking from host to host. */
export const CLAIM_BY_WINDOW = `
  with ranked as (
    select ctid, row_number() over (partition by host order by run_at) place
      from lanes where pending > 0 and run_at <= app_now()
  ), due as (
    select lanes.ctid from lanes join ranked on ranked.ctid = lanes.ctid
     where place <= $2 limit $1 for update of lanes skip locked
  )
  update lanes
     set run_at = app_now() + interval '15 s', token = gen_random_uuid()
   where ctid = any (array(select ctid from due))
  returning call_uuid`
