import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { enqueueDeliveries } from '../../db/deliveries.ts'
import { startEmbeddedPostgres } from '../../db/embedded.ts'
import { migrate } from '../../db/migrate.ts'
import { ensurePartitions } from '../../db/partitions.ts'
import { openDatabase } from '../../db/pool.ts'
import type { Database } from '../../db/queryable.ts'
import type { NewDelivery } from '../../domain/delivery.ts'

/** A durable PostgreSQL with the schema of this build, and with the peer's table. */
export interface DeliveryGround {
  readonly database: Database
  /** Queues one delivery for a call of its own for each URL, and commits. */
  readonly enqueue: (urls: readonly string[]) => Promise<void>
  /** As many calls as will be needed, so that making them is not measured. */
  readonly prepareCalls: (count: number) => Promise<void>
  /** Leaves nothing behind for the next figure. */
  readonly clear: () => Promise<void>
  readonly close: () => Promise<void>
}

const CONNECTIONS_MAX = 16
const STATEMENT_TIMEOUT_MS = 120_000
const BATCH = 1_000

/** Starts it in a folder of its own. */
export async function openGround(): Promise<DeliveryGround> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridgeback-bench-'))
  const postgres = await startEmbeddedPostgres({ dataDir })
  const statementTimeoutMs = STATEMENT_TIMEOUT_MS
  const { connection } = postgres
  const database = openDatabase({ connection, max: CONNECTIONS_MAX, statementTimeoutMs })
  await migrate(database)
  await ensurePartitions(database)
  await database.query(
    `insert into campaign_versions (campaign_id, version, definition) values ('bench', 1, '{}')`,
  )
  const calls: string[] = []
  return {
    database,
    async prepareCalls(count) {
      for (let left = count; left > 0; left -= BATCH) {
        calls.push(...(await insertCalls(database, Math.min(left, BATCH))))
      }
    },
    async enqueue(urls) {
      for (let at = 0; at < urls.length; at += BATCH) {
        const deliveries = urls.slice(at, at + BATCH).map((url) => delivery(calls.pop() ?? '', url))
        await database.transaction((db) => enqueueDeliveries(db, deliveries, new Date()))
      }
    },
    async clear() {
      calls.length = 0
      await database.query('truncate lanes, attempts, deliveries')
    },
    async close() {
      await database.close()
      await postgres.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function insertCalls(database: Database, count: number): Promise<readonly string[]> {
  const callUuids = Array.from({ length: count }, () => uuidv7())
  await database.query(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id,
                        dialed_number, sip_call_id, started_at)
     select call_uuid, gen_random_uuid(), 'bench', 1, 'publisher', '+18005550100', 'bench', app_now()
       from unnest($1::uuid[]) as call_uuid`,
    [callUuids],
  )
  return callUuids
}

function delivery(callUuid: string, url: string): NewDelivery {
  return {
    callUuid,
    trackingUrlId: 'ping',
    occurrence: 0,
    trigger: 'bridged',
    method: 'GET',
    url,
    host: new URL(url).host,
    body: undefined,
    leg: undefined,
    getAfterHeadRefused: true,
    missingTokens: [],
  }
}
