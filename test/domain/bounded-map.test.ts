import { describe, expect, it } from 'vitest'
import { createBoundedMap } from '../../src/domain/bounded-map.ts'

const keysIn = (map: { get: (key: string) => unknown }, upTo: number): readonly number[] =>
  Array.from({ length: upTo }, (_, key) => key).filter((key) => map.get(String(key)) !== undefined)

describe('a bounded map', () => {
  it('keeps what was set last, and never more than twice as much', () => {
    const map = createBoundedMap<number>(5)
    for (let key = 0; key < 1_000; key++) {
      map.set(String(key), key)
      const kept = keysIn(map, 1_000)
      expect(kept.length).toBeLessThanOrEqual(10)
      expect(kept).toEqual(expect.arrayContaining([Math.max(0, key - 4), key]))
    }
  })

  it('keeps what is set again', () => {
    const map = createBoundedMap<string>(5)
    for (let key = 0; key < 1_000; key++) {
      map.set('again', `time ${key}`)
      map.set(String(key), 'once')
    }
    expect(map.get('again')).toBe('time 999')
  })

  it('gives the newest value, and none of what was deleted', () => {
    const map = createBoundedMap<number>(4)
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
      ['a', 4],
    ] as const)
      map.set(key, value)
    expect([map.get('a'), map.get('b')]).toEqual([4, 2])
    map.delete('a')
    expect(map.get('a')).toBeUndefined()
  })
})
