import { expect, it } from 'vitest'
import { readTime } from '../../src/cli/rehearse.ts'

it.each([
  ['2026-03-01', '2026-03-01T00:00:00.000Z'],
  ['2026-03-01T12:30:00Z', '2026-03-01T12:30:00.000Z'],
  ['2026-03-01T00:00:00-05:00', '2026-03-01T05:00:00.000Z'],
])('reads --since %s as %s, wherever the machine is', (text, instant) => {
  expect(readTime('--since', text).toISOString()).toBe(instant)
})

it.each(['2026-03-01T00:00:00', '2026-02-30', 'yesterday', ''])(
  'refuses --until %s, which is no time or another one on every machine',
  (text) => {
    expect(() => readTime('--until', text)).toThrow(`--until ${text} is no time: write ISO 8601`)
  },
)
