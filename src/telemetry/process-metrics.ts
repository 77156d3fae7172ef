import manifest from '../../package.json' with { type: 'json' }
import type { Metric } from './metrics.ts'

/** What every process has: its version, its memory, its time on the processor. */
export function readProcessMetrics(): readonly Metric[] {
  const { user, system } = process.cpuUsage()
  const startedAtSeconds = Math.round(Date.now() / 1_000 - process.uptime())
  const version = { version: manifest.version, node: process.versions.node }
  return [
    gauge('bridgeback_build_info', 'Always 1; the version is in the labels', 1, version),
    gauge('process_start_time_seconds', 'When the process began, in Unix time', startedAtSeconds),
    gauge('process_resident_memory_bytes', 'Memory in use', process.memoryUsage.rss()),
    {
      name: 'process_cpu_seconds_total',
      type: 'counter',
      help: 'Time on the processor',
      samples: [{ value: (user + system) / 1e6 }],
    },
  ]
}

function gauge(
  name: string,
  help: string,
  value: number,
  labels: Readonly<Record<string, string>> = {},
): Metric {
  return { name, type: 'gauge', help, samples: [{ labels, value }] }
}
