import { expect, it } from 'vitest'
import { shortened } from '../../src/domain/audit.ts'

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`)

it('keeps a hundred lines for the record, and counts what is beyond', () => {
  expect(shortened(lines(100))).toEqual(lines(100))
  expect(shortened(lines(103))).toEqual([...lines(100), '… and 3 more'])
})
