import { expect, it } from 'vitest'
import { createNameCache } from '../../../../src/sip/engine/transport/name-cache.ts'

function setUp(answers: readonly (number | Error)[]) {
  const asked: string[] = []
  const clock = { ms: 0 }
  const cache = createNameCache(
    (name) => {
      const answer = answers[asked.length] ?? new Error('asked too often')
      asked.push(name)
      return answer instanceof Error
        ? Promise.reject(answer)
        : Promise.resolve({ value: answer, ttlMs: 10_000 })
    },
    0,
    () => clock.ms,
  )
  return { asked, cache, clock }
}

it('asks once for what is asked several times at once', async () => {
  const { asked, cache } = setUp([1, 2])
  expect(await Promise.all([cache.get('a'), cache.get('a'), cache.get('b')])).toEqual([1, 1, 2])
  expect(asked).toEqual(['a', 'b'])
})

it('believes an answer for its time and not longer', async () => {
  const { asked, cache, clock } = setUp([1, 2])
  await cache.get('a')
  clock.ms = 7_999
  expect(await cache.get('a')).toBe(1)
  expect(asked).toHaveLength(1)
  clock.ms = 10_000
  expect(await cache.get('a')).toBe(2)
  expect(asked).toHaveLength(2)
})

it('asks again towards the end of that time, and lets nobody wait for it', async () => {
  const { asked, cache, clock } = setUp([1, 2])
  await cache.get('a')
  clock.ms = 8_000
  expect(await cache.get('a')).toBe(1)
  expect(asked).toHaveLength(2)
  clock.ms = 8_001
  expect(await cache.get('a')).toBe(2)
  expect(asked).toHaveLength(2)
})

it('goes on with the old answer for an hour while the name server fails (RFC 8767)', async () => {
  const down = new Error('no answer')
  const { asked, cache, clock } = setUp([1, down, down, down])
  await cache.get('a')
  clock.ms = 10_000
  expect(await cache.get('a')).toBe(1)
  clock.ms = 11_999
  expect(await cache.get('a')).toBe(1)
  expect(asked).toHaveLength(2)
  clock.ms = 10_000 + 3_600_000
  expect(await cache.get('a')).toBe(1)
  clock.ms = 10_000 + 3_602_001
  expect(await cache.get('a')).toBe(0)
})

it('asks again two seconds after a failure', async () => {
  const { cache, clock } = setUp([new Error('no answer'), 1])
  expect(await cache.get('a')).toBe(0)
  clock.ms = 1_999
  expect(await cache.get('a')).toBe(0)
  clock.ms = 2_000
  expect(await cache.get('a')).toBe(1)
})

it('keeps a thousand names, never more than twice as many, and forgets the longest unused', async () => {
  const answers = Array.from({ length: 3_000 }, (_, at) => at)
  const { asked, cache } = setUp(answers)
  for (let at = 0; at < 2_001; at++) await cache.get(`name-${at}`)
  expect(cache.size()).toBe(1_001)
  await cache.get('name-1000')
  expect(asked).toHaveLength(2_001)
  await cache.get('name-999')
  expect(asked).toHaveLength(2_002)
})
