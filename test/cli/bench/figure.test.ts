import { describe, expect, it } from 'vitest'
import {
  type Figure,
  formatLine,
  formatTable,
  quantile,
  ratioOf,
} from '../../../src/cli/bench/figure.ts'

const throughput: Figure = {
  bench: 'calls',
  figure: 'throughput',
  value: 400,
  unit: 'calls/s',
  peer: { name: 'bare', value: 800 },
  better: 'higher',
}
const lateness: Figure = {
  bench: 'pings',
  figure: 'lateness_p99',
  value: 12.3456,
  unit: 'ms',
  better: 'lower',
}

describe('ratioOf', () => {
  it.each([
    { name: 'half the calls is half as good', figure: throughput, ratio: 0.5 },
    {
      name: 'half the delay is twice as good',
      figure: { ...lateness, value: 5, peer: { name: 'bare', value: 10 } },
      ratio: 2,
    },
    { name: 'nothing to compare with has no ratio', figure: lateness, ratio: undefined },
    {
      name: 'a peer that did nothing has no ratio',
      figure: { ...throughput, peer: { name: 'bare', value: 0 } },
      ratio: undefined,
    },
  ])('$name', ({ figure, ratio }) => {
    expect(ratioOf(figure)).toBe(ratio)
  })
})

describe('formatLine', () => {
  it('writes the members that programs read', () => {
    expect(JSON.parse(formatLine(throughput))).toEqual({
      bench: 'calls',
      figure: 'throughput',
      value: 400,
      unit: 'calls/s',
      peer: 'bare',
      peer_value: 800,
      ratio: 0.5,
    })
  })

  it('writes null where there is no peer', () => {
    expect(JSON.parse(formatLine(lateness))).toEqual({
      bench: 'pings',
      figure: 'lateness_p99',
      value: 12.3,
      unit: 'ms',
      peer: null,
      peer_value: null,
      ratio: null,
    })
  })
})

describe('formatTable', () => {
  it('puts figures below each other', () => {
    expect(formatTable([throughput, lateness])).toBe(
      [
        'figure              value  unit     peer  peer value  ratio',
        'calls/throughput      400  calls/s  bare         800    0.5',
        'pings/lateness_p99   12.3  ms       -              -      -',
      ].join('\n'),
    )
  })
})

describe('quantile', () => {
  it.each([
    { share: 0, expected: 1 },
    { share: 0.5, expected: 3 },
    { share: 0.99, expected: 5 },
    { share: 1, expected: 5 },
  ])('gives $expected for the share $share of 1 to 5', ({ share, expected }) => {
    expect(quantile([5, 3, 1, 4, 2], share)).toBe(expected)
  })

  it('refuses to make a figure of nothing', () => {
    expect(() => quantile([], 0.5)).toThrow('nothing was measured')
  })
})
