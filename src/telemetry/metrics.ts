/** Labels of a sample: few values each, since every combination is a series that somebody stores. */
export type Labels = Readonly<Record<string, string>>

/** One number of a metric. */
export interface Sample {
  /** Put behind the metric's name, as histograms need. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
  readonly labels?: Labels
  readonly value: number
}

/** A metric with all its samples at one moment. */
export interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** One sentence without a full stop. */
  readonly help: string
  readonly samples: readonly Sample[]
}

/** What `/metrics` says that it answers with. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Metrics as Prometheus reads them.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/, "Text-based format"
 */
export function formatMetrics(metrics: readonly Metric[]): string {
  return metrics.map(formatMetric).join('')
}

function formatMetric({ name, type, help, samples }: Metric): string {
  const lines = samples.map(
    ({ suffix = '', labels = {}, value }) =>
      `${name}${suffix}${formatLabels(labels)} ${formatValue(value)}\n`,
  )
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escape = (text: string): string =>
  text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', '\\n')

function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

/** Counts by labels, from 0 on. */
export interface Counter {
  readonly add: (labels: Labels) => void
  readonly samples: () => readonly Sample[]
}

/** A counter; one without labels is shown before it has counted anything. */
export function createCounter(labelNames: readonly string[]): Counter {
  const counts = new Map<string, { readonly labels: Labels; value: number }>()
  const entryOf = (labels: Labels) => {
    const key = labelNames.map((name) => labels[name]).join('\n')
    const entry = counts.get(key) ?? { labels, value: 0 }
    counts.set(key, entry)
    return entry
  }
  if (labelNames.length === 0) entryOf({})
  return {
    add: (labels) => void (entryOf(labels).value += 1),
    samples: () => counts.values().toArray(),
  }
}

/** How often values were at most so large. */
export interface Histogram {
  readonly observe: (value: number) => void
  readonly samples: () => readonly Sample[]
}

/** A histogram with these upper bounds, ascending, and one without bound. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const counts = bounds.map(() => 0)
  let count = 0
  let sum = 0
  return {
    observe(value) {
      count += 1
      sum += value
      const bucket = bounds.findIndex((bound) => value <= bound)
      if (bucket >= 0) counts[bucket] = (counts[bucket] ?? 0) + 1
    },
    samples() {
      let upTo = 0
      const buckets = bounds.map((bound, index): Sample => {
        upTo += counts[index] ?? 0
        return { suffix: '_bucket', labels: { le: String(bound) }, value: upTo }
      })
      return [
        ...buckets,
        { suffix: '_bucket', labels: { le: '+Inf' }, value: count },
        { suffix: '_sum', value: sum },
        { suffix: '_count', value: count },
      ]
    },
  }
}
