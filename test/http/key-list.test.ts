import { expect, it } from 'vitest'
import type { LiveApiKey } from '../../src/db/api-keys.ts'
import { createKeyList } from '../../src/http/key-list.ts'
import { waitFor } from '../support/wait.ts'

/** A list whose reads give the number of the read as the name of their only key. */
function openList(answer: () => Promise<unknown> = () => Promise.resolve()) {
  const reads: number[] = []
  const list = createKeyList(async () => {
    reads.push(performance.now())
    const keyId = String(reads.length)
    await answer()
    return [{ keyId, name: keyId, role: 'viewer', hash: Buffer.alloc(32) } satisfies LiveApiKey]
  })
  const readSince = async (atMs: number) => (await list.readSince(atMs))[0]?.name
  return { readSince, reads }
}

it('reads the keys when they are first asked for, and again only for who needs newer ones', async () => {
  const { readSince, reads } = openList()
  expect(reads).toHaveLength(0)
  const beforeMs = performance.now()
  expect(await readSince(beforeMs)).toBe('1')
  expect(await readSince(beforeMs)).toBe('1')
  expect(await readSince(performance.now())).toBe('2')
})

it('reads once for all who ask at the same time, and a tenth of a second apart', async () => {
  const { readSince, reads } = openList()
  const many = () => Promise.all(Array.from({ length: 1_000 }, () => readSince(performance.now())))
  expect(new Set(await many())).toEqual(new Set(['1']))
  expect(new Set(await many())).toEqual(new Set(['2']))
  const [first = 0, second = 0] = reads
  expect(second - first).toBeGreaterThan(95)
})

it('gives nobody what was being read already when they came', async () => {
  const slow = Promise.withResolvers<void>()
  const { readSince, reads } = openList(() =>
    reads.length === 1 ? slow.promise : Promise.resolve(),
  )
  const early = readSince(performance.now())
  await waitFor(() => reads.length === 1, { what: 'the first read' })
  const late = readSince(performance.now())
  slow.resolve()
  expect([await early, await late]).toEqual(['1', '2'])
})

it('tells a failure to all who waited, and reads again for the next', async () => {
  const outcome = { fails: true }
  const { readSince } = openList(() =>
    outcome.fails ? Promise.reject(new Error('the database is away')) : Promise.resolve(),
  )
  const asked = [readSince(performance.now()), readSince(performance.now())]
  const said = await Promise.allSettled(asked)
  expect(said.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  outcome.fails = false
  expect(await readSince(performance.now())).toBe('2')
})

it('lets who may have an older list share the read under way, and waits for no other', async () => {
  const slow = Promise.withResolvers<void>()
  const { readSince, reads } = openList(() => slow.promise)
  const beforeMs = performance.now()
  const first = readSince(beforeMs)
  await waitFor(() => reads.length === 1, { what: 'the first read' })
  const sharing = Array.from({ length: 10 }, () => readSince(beforeMs))
  slow.resolve()
  expect(await Promise.all([first, ...sharing])).toEqual(Array(11).fill('1'))
  expect(reads).toHaveLength(1)
})

it('tells a failure to those who share a read, too, and reads again for the next', async () => {
  const slow = Promise.withResolvers<void>()
  const { readSince, reads } = openList(() =>
    reads.length === 1 ? slow.promise : Promise.resolve(),
  )
  const beforeMs = performance.now()
  const asked = [readSince(beforeMs)]
  await waitFor(() => reads.length === 1, { what: 'the first read' })
  asked.push(readSince(beforeMs))
  slow.reject(new Error('the database is away'))
  const said = await Promise.allSettled(asked)
  expect(said.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await readSince(beforeMs)).toBe('2')
})
