import { expect, it } from 'vitest'
import {
  createCounter,
  createHistogram,
  formatMetrics,
  type Metric,
} from '../../src/telemetry/metrics.ts'

it('writes metrics as Prometheus reads them', () => {
  const metrics: readonly Metric[] = [
    {
      name: 'calls',
      type: 'gauge',
      help: 'Calls that are up',
      samples: [
        { labels: { state: 'ringing', trunk: 'a' }, value: 2 },
        { labels: { state: 'a "quoted"\n\\ one' }, value: 0.5 },
      ],
    },
    { name: 'late', type: 'gauge', help: 'None', samples: [] },
    { name: 'up', type: 'counter', help: 'One', samples: [{ value: Number.POSITIVE_INFINITY }] },
  ]
  expect(formatMetrics(metrics)).toBe(
    String.raw`# HELP calls Calls that are up
# TYPE calls gauge
calls{state="ringing",trunk="a"} 2
calls{state="a \"quoted\"\n\\ one"} 0.5
# HELP late None
# TYPE late gauge
# HELP up One
# TYPE up counter
up +Inf
`,
  )
})

it('counts by labels, and shows 0 where there are none', () => {
  const counter = createCounter(['kind'])
  for (const kind of ['a', 'b', 'a']) counter.add({ kind })
  expect(counter.samples()).toEqual([
    { labels: { kind: 'a' }, value: 2 },
    { labels: { kind: 'b' }, value: 1 },
  ])
  expect(createCounter([]).samples()).toEqual([{ labels: {}, value: 0 }])
})

it('counts into every bucket from the bound on, the bound itself included', () => {
  const histogram = createHistogram([0.1, 1])
  for (const value of [0.1, 0.5, 7]) histogram.observe(value)
  expect(histogram.samples()).toEqual([
    { suffix: '_bucket', labels: { le: '0.1' }, value: 1 },
    { suffix: '_bucket', labels: { le: '1' }, value: 2 },
    { suffix: '_bucket', labels: { le: '+Inf' }, value: 3 },
    { suffix: '_sum', value: 7.6 },
    { suffix: '_count', value: 3 },
  ])
})
