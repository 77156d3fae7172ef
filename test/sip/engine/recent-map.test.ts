import { expect, it } from 'vitest'
import { createRecentMap, type RecentMap } from '../../../src/sip/engine/recent-map.ts'

const filled = (keys: readonly number[], keptMin = 4): RecentMap<number> => {
  const map = createRecentMap<number>(keptMin)
  for (const key of keys) map.set(String(key), key)
  return map
}

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)

it('keeps at least as many as it is made for, and never more than twice as many', () => {
  const sizes = range(1, 14).map((last) => filled(range(1, last)).size())
  expect(sizes).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 7, 8, 5, 6])
})

it('forgets what was set first', () => {
  const map = filled(range(1, 9))
  expect(range(1, 9).map((key) => map.get(String(key)))).toEqual([
    ...Array.from({ length: 4 }, () => undefined),
    ...range(5, 9),
  ])
})

it('keeps what is asked for, however much is set besides', () => {
  const map = filled([0])
  for (const key of range(1, 1_000)) {
    map.set(String(key), key)
    map.get('0')
  }
  expect([map.get('0'), map.get('990')]).toEqual([0, undefined])
})

it('counts an entry once that is asked for or set again, and gives its newest value', () => {
  const map = filled(range(1, 5))
  map.get('1')
  map.set('2', 20)
  expect([map.size(), map.get('2')]).toEqual([5, 20])
})

it('forgets what it is told to, of whatever age', () => {
  const map = filled(range(1, 6))
  map.deleteWhere((key) => Number(key) % 2 === 1)
  expect(range(1, 6).filter((key) => map.get(String(key)) !== undefined)).toEqual([2, 4, 6])
  expect(map.size()).toBe(3)
})
