import { expect, it } from 'vitest'
import { createPlaces } from '../../../../src/sip/engine/transport/places.ts'

const LIMITS = { total: 4, perSource: 2, perExemptSource: 3 }

it('gives a source as many places as it may have, and each again when it is left', () => {
  const places = createPlaces(LIMITS, () => false)
  const leave = places.take('192.0.2.1')
  places.take('192.0.2.1')
  expect(places.take('192.0.2.1')).toBeUndefined()
  leave?.()
  expect(places.take('192.0.2.1')).toBeDefined()
  expect(places.take('192.0.2.1')).toBeUndefined()
})

it('gives an exempt source more', () => {
  const places = createPlaces(LIMITS, (address) => address === '192.0.2.9')
  const taken = [1, 2, 3, 4].map(() => places.take('192.0.2.9') !== undefined)
  expect(taken).toEqual([true, true, true, false])
})

it('gives nobody one beyond the total', () => {
  const places = createPlaces(LIMITS, () => false)
  const taken = [1, 2, 3, 4, 5].map((at) => places.take(`192.0.2.${at}`) !== undefined)
  expect(taken).toEqual([true, true, true, true, false])
})

it('counts nothing and nobody once every place is left', () => {
  const places = createPlaces(LIMITS, () => false)
  const counted = (): readonly number[] => [places.taken(), places.sources()]
  const [first, second, other] = [1, 1, 2].map((at) => places.take(`192.0.2.${at}`))
  expect(counted()).toEqual([3, 2])
  first?.()
  expect(counted()).toEqual([2, 2])
  second?.()
  other?.()
  expect(counted()).toEqual([0, 0])
})
