import { expect, it } from 'vitest'
import { startLoop } from '../../src/flow/loop.ts'
import { silent } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

it('asks for the next round at once while a round says so', async () => {
  let rounds = 0
  const loop = startLoop({
    name: 'test',
    everyMs: 3_600_000,
    round: async () => ++rounds < 5,
    log: silent,
  })
  await waitFor(() => rounds === 5, { what: 'five rounds' })
  await loop.close()
})

it('logs a failed round and goes on', async () => {
  const logged: string[] = []
  let rounds = 0
  const round = async () => {
    rounds++
    if (rounds === 1) throw new Error('away')
    return false
  }
  const loop = startLoop({
    name: 'test',
    everyMs: 1,
    round,
    log: { ...silent, error: (event) => logged.push(event) },
  })
  await waitFor(() => rounds > 2, { what: 'rounds after the failed one' })
  await loop.close()
  expect(logged).toEqual(['loop.failed'])
})

it('closes once the round under way is over', async () => {
  const round = Promise.withResolvers<boolean>()
  const loop = startLoop({ name: 'test', everyMs: 1, round: () => round.promise, log: silent })
  let isClosed = false
  const closed = loop.close().then(() => (isClosed = true))
  await Promise.resolve()
  expect(isClosed).toBe(false)
  round.resolve(true)
  await closed
})
