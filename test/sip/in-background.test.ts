import { expect, it } from 'vitest'
import { inBackground } from '../../src/sip/in-background.ts'

it.each([
  [
    'thrown at once',
    () => {
      throw new Error('bad')
    },
  ],
  ['rejected later', () => Promise.reject(new Error('bad'))],
])('what is %s where nobody waits is told instead of ending the process', async (_, work) => {
  const told: unknown[] = []
  inBackground(work, (error) => told.push(error))
  await expect.poll(() => told).toEqual([new Error('bad')])
})

it('work that nobody waits for begins at once', () => {
  const begun: string[] = []
  inBackground(
    () => begun.push('begun'),
    () => {},
  )
  expect(begun).toEqual(['begun'])
})
