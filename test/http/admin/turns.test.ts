import { expect, it } from 'vitest'
import { createTurns } from '../../../src/http/admin/turns.ts'

const staying = new AbortController().signal

/** One turn, which somebody has until `ends` is called. */
function aTakenTurn() {
  const turns = createTurns(1)
  const { promise, resolve } = Promise.withResolvers<void>()
  const done: string[] = []
  const taken = turns(() => promise, staying)
  const wait = (name: string, until = staying) =>
    turns(() => Promise.resolve(done.push(name)), until).catch(() => done.push(`${name} left`))
  const ends = async () => {
    resolve()
    await taken
  }
  return { done, wait, ends }
}

it('lets those who wait go on in the order in which they came', async () => {
  const { done, wait, ends } = aTakenTurn()
  const waiting = [wait('a'), wait('b'), wait('c')]
  await ends()
  await Promise.all(waiting)
  expect(done).toEqual(['a', 'b', 'c'])
})

it('gives no turn to who has left, before or while the turn came', async () => {
  const { done, wait, ends } = aTakenTurn()
  const [early, late] = [new AbortController(), new AbortController()]
  const waiting = [wait('a', early.signal), wait('b', late.signal), wait('c')]
  early.abort()
  const ended = ends()
  late.abort()
  await ended
  await Promise.all(waiting)
  expect(done.toSorted()).toEqual(['a left', 'b left', 'c'])
})

it('takes nobody in who has gone already', async () => {
  const { done, wait, ends } = aTakenTurn()
  await wait('a', AbortSignal.abort())
  await ends()
  await wait('b', AbortSignal.abort())
  expect(done).toEqual(['a left', 'b left'])
})

it('passes the turn on after a failure', async () => {
  const turns = createTurns(1)
  const fails = turns(() => Promise.reject(new Error('no')), staying)
  const next = turns(() => Promise.resolve('yes'), staying)
  await expect(fails).rejects.toThrow('no')
  expect(await next).toBe('yes')
})

it('gives each turn to one only, when several end at once', async () => {
  const turns = createTurns(2)
  const gate = Promise.withResolvers<void>()
  let most = 0
  let now = 0
  const work = async () => {
    most = Math.max(most, (now += 1))
    await gate.promise
    now -= 1
  }
  const all = Array.from({ length: 7 }, () => turns(work, staying))
  gate.resolve()
  await Promise.all(all)
  expect(most).toBe(2)
})
