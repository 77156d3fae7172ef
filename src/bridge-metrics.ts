import { setTimeout as delay } from 'node:timers/promises'
import type { PoolUsage } from './db/pool.ts'
import type { EmbeddedEngine } from './embedded-engine.ts'
import type { EventMetrics } from './telemetry/event-metrics.ts'
import type { Metric } from './telemetry/metrics.ts'
import { readProcessMetrics } from './telemetry/process-metrics.ts'

/** What a process can be looked at by. */
export interface Watched {
  readonly events: Pick<EventMetrics, 'read'>
  readonly poolUsage: () => PoolUsage
  /** Undefined where SIP is a drachtio-server's, or not this process's. */
  readonly engine: () => Pick<EmbeddedEngine, 'stats'> | undefined
}

/** What this process has counted and holds; the engine's part is left out if it does not answer. */
export async function readBridgeMetrics(watched: Watched): Promise<readonly Metric[]> {
  const engine = watched.engine()
  return [
    ...readProcessMetrics(),
    ...poolMetrics(watched.poolUsage()),
    ...watched.events.read(),
    ...(engine ? await engineMetrics(engine) : []),
  ]
}

function poolMetrics({ idle, busy, waiting }: PoolUsage): readonly Metric[] {
  return [
    {
      name: 'bridgeback_database_connections',
      type: 'gauge',
      help: 'Connections of this process to the database',
      samples: [
        { labels: { state: 'idle' }, value: idle },
        { labels: { state: 'busy' }, value: busy },
      ],
    },
    {
      name: 'bridgeback_database_connections_awaited',
      type: 'gauge',
      help: 'Statements of this process that wait for a connection',
      samples: [{ value: waiting }],
    },
  ]
}

const ENGINE_TIMEOUT_MS = 1_000

/** Every counter is a metric of its own, as it stands in the engine; every table is a label. */
async function engineMetrics(engine: Pick<EmbeddedEngine, 'stats'>): Promise<readonly Metric[]> {
  const asked = engine.stats().catch(() => undefined)
  const stats = await Promise.race([asked, delay(ENGINE_TIMEOUT_MS, undefined, { ref: false })])
  if (!stats) return []
  const tables: Metric = {
    name: 'bridgeback_engine_entries',
    type: 'gauge',
    help: 'How full the tables of the SIP engine are',
    samples: Object.entries(stats.tables).map(([table, value]) => ({
      labels: { table: snakeCase(table) },
      value,
    })),
  }
  const counters = Object.entries(stats.counters).map(([name, value]): Metric => ({
    name: `bridgeback_engine_${snakeCase(name)}_total`,
    type: 'counter',
    help: 'Counted by the SIP engine since it was started',
    samples: [{ value }],
  }))
  return [tables, ...counters]
}

const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
