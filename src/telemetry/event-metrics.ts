import type { Log, Logger } from './logger.ts'
import { createCounter, createHistogram, type Labels, type Metric } from './metrics.ts'

/** Metrics that are counted from what is logged, whether or not the level lets it be written. */
export interface EventMetrics {
  /** The same log, with an eye on it. */
  readonly watch: (logger: Logger) => Logger
  readonly read: () => readonly Metric[]
}

type Fields = Readonly<Record<string, unknown>>

interface Counted {
  readonly event: string
  readonly name: string
  readonly help: string
  /** Names of the labels, and what they are in a line of the log. */
  readonly labels: Readonly<Record<string, (fields: Fields) => string>>
}

interface Timed {
  readonly event: string
  readonly name: string
  readonly help: string
  readonly bounds: readonly number[]
}

const field =
  (name: string) =>
  (fields: Fields): string => {
    const value = fields[name]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : 'none'
  }

/** Never a caller, a call, a URL or a host: labels have few values, and a metric is no record. */
const COUNTED: readonly Counted[] = [
  {
    event: 'call.ended',
    name: 'bridgeback_calls_ended_total',
    help: 'Calls that have ended, by whether a buyer had answered',
    labels: {
      answered: (fields) => String(typeof fields['connected_ms'] === 'number'),
    },
  },
  {
    event: 'call.refused',
    name: 'bridgeback_calls_refused_total',
    help: 'INVITEs that were refused before a call began',
    labels: { reason: field('reason'), status: field('status') },
  },
  {
    event: 'call.settled',
    name: 'bridgeback_settlements_total',
    help: 'Decisions, by outcome',
    labels: { kind: field('kind'), conversion: field('conversion'), reason: field('reason') },
  },
  {
    event: 'delivery.attempted',
    name: 'bridgeback_delivery_attempts_total',
    help: 'Requests of tracking URLs, by result and by what becomes of the delivery',
    labels: { trigger: field('trigger'), outcome: field('outcome'), next: field('next') },
  },
  {
    event: 'delivery.url_failing',
    name: 'bridgeback_tracking_url_warnings_total',
    help: 'Warnings that a tracking URL fails again and again',
    labels: {},
  },
  {
    event: 'delivery.host_paused',
    name: 'bridgeback_delivery_host_pauses_total',
    help: 'Pauses of hosts that did not answer',
    labels: {},
  },
  {
    event: 'http.request',
    name: 'bridgeback_http_requests_total',
    help: 'HTTP requests, by route',
    labels: { method: field('method'), route: field('route'), status: field('status') },
  },
]

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

const TIMED: readonly Timed[] = [
  {
    event: 'delivery.attempted',
    name: 'bridgeback_delivery_attempt_seconds',
    help: 'How long requests of tracking URLs took',
    bounds: SECONDS,
  },
  {
    event: 'http.request',
    name: 'bridgeback_http_request_seconds',
    help: 'How long HTTP requests took',
    bounds: SECONDS,
  },
]

const PROBLEMS = 'bridgeback_log_problems_total'
const PROBLEMS_HELP = 'Lines of the log at level warn or error, by event'

/** Starts counting from 0. */
export function createEventMetrics(): EventMetrics {
  const counted = COUNTED.map((each) => ({
    ...each,
    counter: createCounter(Object.keys(each.labels)),
  }))
  const timed = TIMED.map((each) => ({ ...each, histogram: createHistogram(each.bounds) }))
  const problems = createCounter(['level', 'event'])
  const countersOf = Map.groupBy(counted, ({ event }) => event)
  const histogramsOf = Map.groupBy(timed, ({ event }) => event)

  function count(event: string, fields: object): void {
    for (const { counter, labels } of countersOf.get(event) ?? []) {
      counter.add(labelsOf(labels, fields as Fields))
    }
    const { duration_ms: durationMs } = fields as Fields
    if (typeof durationMs !== 'number') return
    for (const { histogram } of histogramsOf.get(event) ?? []) histogram.observe(durationMs / 1_000)
  }

  return {
    watch(logger) {
      const watched =
        (log: Log, level?: string): Log =>
        (event, fields) => {
          count(event, fields)
          if (level !== undefined) problems.add({ level, event })
          log(event, fields)
        }
      return {
        debug: logger.debug,
        info: watched(logger.info),
        warn: watched(logger.warn, 'warn'),
        error: watched(logger.error, 'error'),
      }
    },
    read: () => [
      ...counted.map(({ name, help, counter }): Metric => {
        return { name, help, type: 'counter', samples: counter.samples() }
      }),
      ...timed.map(({ name, help, histogram }): Metric => {
        return { name, help, type: 'histogram', samples: histogram.samples() }
      }),
      { name: PROBLEMS, help: PROBLEMS_HELP, type: 'counter', samples: problems.samples() },
    ],
  }
}

const labelsOf = (labels: Counted['labels'], fields: Fields): Labels =>
  Object.fromEntries(Object.entries(labels).map(([name, read]) => [name, read(fields)]))
