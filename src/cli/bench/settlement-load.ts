import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { startEmbeddedPostgres } from '../../db/embedded.ts'
import { migrate } from '../../db/migrate.ts'
import { ensurePartitions } from '../../db/partitions.ts'
import { openDatabase } from '../../db/pool.ts'
import type { Database, Queryable } from '../../db/queryable.ts'
import type { CampaignRules } from '../../domain/campaign.ts'
import { parseCampaignRules } from '../../domain/configuration-document.ts'
import type { FlowDeps } from '../../flow/flow-deps.ts'
import type { Steps } from '../../flow/steps.ts'
import type { Figure } from './figure.ts'

/** Postbacks under way at once. */
export const IN_FLIGHT = 1_000

/** What the calls of the bench are worth: a posted revenue, of which the publisher gets 0.8. */
const DEFINITION = {
  id: 'bench',
  name: 'Bench',
  conversion_groups: [
    {
      id: 'sales',
      type: 'postback',
      conversions: [{ name: 'posted', value: 'posted', payout_modifier: '*0.8' }],
    },
  ],
} as const

/** The same where somebody is told that a call has not converted: version 2 of the campaign. */
const TELLING = {
  ...DEFINITION,
  tracking_urls: [
    {
      id: 'no-sale',
      trigger: 'not_converted',
      url: 'https://tracker.example/no-sale?id=[call_uuid]&sub=[sub_id]',
    },
  ],
} as const

/** A database that is durable like a service's own, with one campaign and nothing else. */
export interface BenchDatabase {
  readonly database: Database
  /** The same database for the peer, without what `database` does to be fast. */
  readonly plain: Pool
  readonly rules: CampaignRules
  readonly deps: FlowDeps
  readonly close: () => Promise<void>
}

const CONNECTIONS_MAX = 32
const STATEMENT_TIMEOUT_MS = 600_000

/** Starts an embedded PostgreSQL of the bench's own, with the settings that a service has. */
export async function openBenchDatabase(): Promise<BenchDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridgeback-bench-'))
  const postgres = await startEmbeddedPostgres({ dataDir })
  const database = openDatabase({
    connection: postgres.connection,
    max: CONNECTIONS_MAX,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  const plain = new Pool({ ...postgres.connection, max: CONNECTIONS_MAX })
  // The server may end before the last connection has said goodbye.
  plain.on('error', () => {})
  await migrate(database)
  await ensurePartitions(database)
  await database.query(
    `insert into campaign_versions (campaign_id, version, definition) values ('bench', 1, $1), ('bench', 2, $2)`,
    [JSON.stringify(DEFINITION), JSON.stringify(TELLING)],
  )
  const rules = parseCampaignRules(DEFINITION)
  const telling = parseCampaignRules(TELLING)
  return {
    database,
    plain,
    rules,
    deps: {
      database,
      campaignRules: async (_, version) => (version === 2 ? telling : rules),
      names: () => ({ campaignName: 'Bench', publisherName: 'P', buyerName: 'B' }),
      wakeDelivery: () => {},
      log: { debug() {}, info() {}, warn() {}, error: console.error },
    },
    async close() {
      await Promise.all([plain.end(), database.close()])
      await postgres.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Does the work on a database that is gone afterwards. */
export async function withBenchDatabase(
  work: (bench: BenchDatabase) => Promise<readonly Figure[]>,
): Promise<readonly Figure[]> {
  const bench = await openBenchDatabase()
  try {
    return await work(bench)
  } finally {
    await bench.close()
  }
}

/** So that the deadlines of a million lie in ten minutes, and are not all the same. */
export const ENDED_PER_SECOND = 1_667
/** Of calls that wait, so that none is due while a million are measured. */
const TIMEOUT_SECONDS = 1_800

/** How calls that wait for a postback are made up. */
export interface PendingCalls {
  readonly calls: number
  /** When the last of them ended, before now; the others before it, one after the other. */
  readonly endedSecondsAgo: number
  /** Says when they began: calls of many months lie in many partitions. */
  readonly startedDaysAgo?: number
  /** Of the campaign: 1 tells nobody of a call that has not converted, 2 does. */
  readonly version?: 1 | 2
}

/** Stores calls that have ended and wait, and gives their UUIDs. */
export async function insertPendingCalls(
  db: Queryable,
  { calls, endedSecondsAgo, startedDaysAgo = 0, version = 1 }: PendingCalls,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ callUuid: string }>(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, buyer_id,
                        bridged_leg, caller_number, dialed_number, sip_call_id, state, started_at,
                        answered_at, ended_at, connected_ms, total_ms, hung_up_by, conversion,
                        conversion_group_id, settle_at)
     select overlay(overlay(gen_random_uuid()::text placing left(uuid_floor(at)::text, 13) from 1 for 13)
                    placing '7' from 15 for 1)::uuid,
            '00000000-0000-7000-8000-000000000000', 'bench', $4, 'publisher', 'buyer', 1,
            '+1212' || lpad((i % 10000000)::text, 7, '0'), '+18005550100', 'sip-call-id@bench', 'ended',
            at, at, ended, 60000, 70000, 'caller', 'pending', 'sales', ended + make_interval(secs => $6)
       from generate_series(1, $1::int) i,
            date_trunc('milliseconds', app_now() - make_interval(secs => $2 + ($1 - i) / $5::float8)) ended,
            lateral (select ended - make_interval(days => $3, secs => 70)) as t (at)
     returning call_uuid "callUuid"`,
    [calls, endedSecondsAgo, startedDaysAgo, version, ENDED_PER_SECOND, TIMEOUT_SECONDS],
  )
  return rows.map(({ callUuid }) => callUuid)
}

/** Items in flight at once, each started as one ends, until time or items run out; what each took. */
export async function runClosedLoop(
  items: Iterator<string>,
  inFlight: number,
  seconds: number,
  work: (item: string) => Promise<unknown>,
): Promise<{ readonly perSecond: number; readonly latenciesMs: readonly number[] }> {
  const latenciesMs: number[] = []
  const startMs = performance.now()
  const endMs = startMs + seconds * 1_000
  const runner = async () => {
    for (let next = items.next(); !next.done; next = items.next()) {
      const fromMs = performance.now()
      if (fromMs >= endMs) return
      await work(next.value)
      latenciesMs.push(performance.now() - fromMs)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, runner))
  const tookMs = performance.now() - startMs
  return { perSecond: (latenciesMs.length * 1_000) / tookMs, latenciesMs }
}

/** A buyer's request that converts the call. */
export const post = (steps: Steps, callUuid: string): Promise<unknown> =>
  steps.receivePostback({
    callUuid,
    leg: 1,
    text: { query: 'key=&revenue=10.00', body: '' },
    source: '127.0.0.1',
    method: 'GET',
    isPrefetch: false,
  })

/** A figure of which more is better if it counts by the second, and less otherwise. */
export function moneyFigure(
  bench: string,
  name: string,
  value: number,
  unit: string,
  peer?: Figure['peer'],
): Figure {
  const better = unit === '/s' ? 'higher' : 'lower'
  return { bench, figure: name, value, unit, better, ...(peer && { peer }) }
}
