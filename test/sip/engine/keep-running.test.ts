import { expect, it } from 'vitest'
import { keepRunning, type Running } from '../../../src/sip/engine/keep-running.ts'
import { eventually } from './support/eventually.ts'

interface Fake extends Running {
  readonly name: string
  readonly crash: (message: string) => void
}

function fake(name: string): Fake {
  const { promise: exited, resolve } = Promise.withResolvers<Error | undefined>()
  return {
    name,
    exited,
    crash: (message) => {
      resolve(new Error(message))
    },
    close: () => {
      resolve(undefined)
      return Promise.resolve()
    },
  }
}

const told: string[] = []
const outlets = {
  onEnd: (error: unknown) => void told.push(`ended: ${String(error)}`),
  onFailure: (error: unknown) => void told.push(`failed: ${String(error)}`),
  retryMs: 1,
}

it('starts again what ends by itself, and goes on trying where that fails', async () => {
  told.length = 0
  const outcomes: (() => Fake)[] = [
    () => fake('second'),
    () => {
      throw new Error('no certificate')
    },
    () => {
      throw new Error('no certificate yet')
    },
    () => fake('third'),
  ]
  const start = async (): Promise<Fake> => Promise.resolve().then(outcomes.shift() ?? fail)
  const first = fake('first')
  const onStart = ({ name }: Fake) => void told.push(`${name} of ${kept.current().name}`)
  const kept = keepRunning(first, { ...outlets, start, onStart })
  expect(kept.current()).toBe(first)
  const become = (name: string) =>
    eventually(
      () => kept.current().name === name,
      () => `still ${kept.current().name}`,
    )
  first.crash('out of memory')
  await become('second')
  kept.current().crash('again')
  await become('third')
  expect(told).toEqual([
    'ended: Error: out of memory',
    'second of second',
    'ended: Error: again',
    'failed: Error: no certificate',
    'failed: Error: no certificate yet',
    'third of third',
  ])
  await kept.close()
  expect(kept.current().name).toBe('third')
})

const fail = (): never => {
  throw new Error('started once too often')
}

it('does not start again what is closed, nor keeps what was just being started', async () => {
  told.length = 0
  const first = fake('first')
  const starting = Promise.withResolvers<Fake>()
  const asked = Promise.withResolvers<void>()
  const start = (): Promise<Fake> => {
    asked.resolve()
    return starting.promise
  }
  const kept = keepRunning(first, { ...outlets, start })
  first.crash('gone')
  await asked.promise
  const closed = kept.close()
  const late = fake('late')
  starting.resolve(late)
  await closed
  expect(await late.exited).toBeUndefined()
})

it('is closed at once while it waits for the next attempt', async () => {
  told.length = 0
  const first = fake('first')
  const start = (): Promise<Fake> => Promise.reject(new Error('never'))
  const kept = keepRunning(first, { ...outlets, start, retryMs: 60_000 })
  first.crash('gone')
  await eventually(
    () => told.length === 2,
    () => told.join(),
  )
  await kept.close()
  expect(told).toEqual(['ended: Error: gone', 'failed: Error: never'])
})
