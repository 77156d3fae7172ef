import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { SEEDED_BUGS } from '../../src/cli/faults/seeded-bugs.ts'

it.each(SEEDED_BUGS)('$name changes one place of the service as it is now', ({ file, find }) => {
  expect(readFileSync(`src/${file}`, 'utf8').split(find)).toHaveLength(2)
})
