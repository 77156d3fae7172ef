import { expect, it } from 'vitest'
import { keepTrying } from '../../src/flow/keep-trying.ts'

const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })

it('tries until the database is back', async () => {
  const failures: unknown[] = []
  const work = async () => {
    if (failures.length < 2) throw refused
  }
  const { signal } = new AbortController()
  expect(await keepTrying(work, { signal, onFailure: (error) => failures.push(error) })).toBe(true)
  expect(failures).toEqual([refused, refused])
})

it('gives up on a failure that is not the connection, after five tries', async () => {
  const bug = new Error('violates check constraint')
  const failures: unknown[] = []
  const { signal } = new AbortController()
  const isStored = await keepTrying(() => Promise.reject(bug), {
    signal,
    onFailure: (error) => failures.push(error),
  })
  expect(isStored).toBe(false)
  expect(failures).toHaveLength(5)
})

it('ends when it is told to', async () => {
  const stop = new AbortController()
  const work = () => {
    stop.abort()
    return Promise.reject(refused)
  }
  expect(await keepTrying(work, { signal: stop.signal, onFailure: () => {} })).toBe(false)
})
