import { expect, it } from 'vitest'
import { groupLeftOut } from '../../src/domain/left-out.ts'

const at = new Date('2026-11-23T12:00:00Z')

it('groups buyers by reason, in the order in which they were left out', () => {
  const leftOut = [
    { buyerId: 'a', reason: 'paused' },
    { buyerId: 'b', reason: 'closed' },
    { buyerId: 'c', reason: 'paused' },
  ] as const
  expect(groupLeftOut(leftOut, at)).toEqual([
    { at, reason: 'paused', buyers: ['a', 'c'], count: 2 },
    { at, reason: 'closed', buyers: ['b'], count: 1 },
  ])
  expect(groupLeftOut([], at)).toEqual([])
})

it('names a hundred of each reason and counts the rest', () => {
  const leftOut = Array.from({ length: 101 }, (_, index) => ({
    buyerId: `buyer-${index}`,
    reason: 'too_far_down' as const,
  }))
  const [group] = groupLeftOut(leftOut, at)
  expect([group?.buyers.length, group?.buyers.at(-1), group?.count]).toEqual([100, 'buyer-99', 101])
})
