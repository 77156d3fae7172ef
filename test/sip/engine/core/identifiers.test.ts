import { expect, it } from 'vitest'
import { newBranch, newTag, randomText } from '../../../../src/sip/engine/core/identifiers.ts'

it('makes text that spells no header, whoever looks for one in it', () => {
  const text = randomText(4_000)

  expect(text).toMatch(/^[0-9b-df-hj-np-tv-z-]{4000}$/)
  expect(new Set(text).size).toBe(32)
})

it('makes tags and branches that differ from all others (RFC 3261 §8.1.1.7, §19.3)', () => {
  expect(newTag()).toHaveLength(12)
  expect(newBranch()).toMatch(/^z9hG4bK.{16}$/)
  expect(new Set(Array.from({ length: 10_000 }, newTag)).size).toBe(10_000)
})
