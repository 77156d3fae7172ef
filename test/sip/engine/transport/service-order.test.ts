import { expect, it } from 'vitest'
import { orderServices } from '../../../../src/sip/engine/transport/service-order.ts'

const record = (name: string, priority: number, weight: number) => ({
  name,
  priority,
  weight,
  port: 5060,
})

it.each([
  { name: 'the lowest priority first', mark: 0, order: ['a', 'b', 'c', 'd'] },
  { name: 'within a priority whom the mark falls on', mark: 0.99, order: ['c', 'b', 'a', 'd'] },
  { name: 'the weight as the share of first places', mark: 0.25, order: ['b', 'c', 'a', 'd'] },
])('takes $name (RFC 2782)', ({ mark, order }) => {
  const records = [
    record('d', 20, 100),
    record('b', 10, 30),
    record('a', 10, 0),
    record('c', 10, 70),
  ]
  expect(orderServices(records, () => mark).map(({ name }) => name)).toEqual(order)
})

it('shares first places by weight', () => {
  const records = [record('light', 1, 10), record('heavy', 1, 30)]
  const draws = Array.from(
    { length: 41 },
    (_, at) => orderServices(records, () => at / 41)[0]?.name,
  )
  expect(draws.filter((name) => name === 'heavy')).toHaveLength(30)
})
