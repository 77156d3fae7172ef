import { expect, it } from 'vitest'
import { engineFigure } from '../../../src/cli/bench/engine-figure.ts'

const figure = { figure: 'throughput', unit: 'calls/s', better: 'higher' } as const

it('puts the figure of the engine beside that of the server', () => {
  const servers = [{ name: 'engine' }, { name: 'drachtio-server' }]
  expect(engineFigure(servers, [900, 1_000], figure)).toEqual({
    bench: 'engine',
    figure: 'throughput',
    unit: 'calls/s',
    better: 'higher',
    value: 900,
    peer: { name: 'drachtio-server', value: 1_000 },
  })
})

it('names no peer where there is none', () => {
  expect(engineFigure([{ name: 'engine' }], [900], figure)).not.toHaveProperty('peer')
})
