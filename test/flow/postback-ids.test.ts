import { validate, version } from 'uuid'
import { expect, it } from 'vitest'
import { createPostbackIds } from '../../src/flow/postback-ids.ts'

it('gives ids of version 7 in their order, whatever the clock does', () => {
  const clock = [1_000, 1_000, 999, 1_001, 500, 2_000]
  let asked = 0
  const next = createPostbackIds(() => (clock[asked++ % clock.length] ?? 0) + 1_700_000_000_000)
  const ids = Array.from({ length: 2_000 }, next)
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true)
  expect(ids).toEqual(ids.toSorted())
  expect(new Set(ids).size).toBe(2_000)
})

it('puts the time first', () => {
  const next = createPostbackIds(() => Date.parse('2026-03-01T12:00:00.000Z'))
  expect(next().slice(0, 13)).toBe('019ca945-0a00')
})

it('gives two processes different ids in the same millisecond', () => {
  const [one, other] = [createPostbackIds(() => 1), createPostbackIds(() => 1)]
  expect(one().slice(24)).not.toBe(other().slice(24))
})
