import { expect, it } from 'vitest'

interface Screen {
  readonly createScreen: (
    paint: (answer: string, isAgain: boolean) => void,
    later: (again: () => void) => void,
    wait: (isWaiting: boolean) => void,
  ) => (
    read: (signal: AbortSignal) => Promise<string>,
    options?: { isKeptFresh: boolean },
  ) => Promise<void>
}

/** What browsers load; the compiler checks it with the other files of the dashboard. */
const { createScreen } = (await import(
  new URL('../../../src/http/dashboard/public/screen.js', import.meta.url).href
)) as Screen

/** A screen whose answers and whose while come when the test says so. */
function aScreen() {
  const painted: string[] = []
  const waits: boolean[] = []
  const isAgain: boolean[] = []
  const asked: { answer: (text: string) => void; signal: AbortSignal }[] = []
  let passes: () => void = () => {}
  const show = createScreen(
    (answer, again) => {
      painted.push(answer)
      isAgain.push(again)
    },
    (again) => {
      passes = again
    },
    (isWaiting) => waits.push(isWaiting),
  )
  const read = (signal: AbortSignal) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    asked.push({ answer: resolve, signal })
    return promise
  }
  return { painted, waits, isAgain, asked, show, read, aWhilePasses: () => passes() }
}

it('asks again a while after it has painted, however long the answer took', async () => {
  const { painted, asked, show, read, aWhilePasses } = aScreen()
  const shown = show(read, { isKeptFresh: true })
  aWhilePasses()
  aWhilePasses()
  expect(asked.length).toBe(1)

  asked[0]?.answer('first')
  await shown
  aWhilePasses()

  expect(painted).toEqual(['first'])
  expect(asked.length).toBe(2)
  expect(asked[1]?.signal.aborted).toBe(false)
})

it('gives up what it waited for when something else is asked for', async () => {
  const { painted, asked, show, read } = aScreen()
  const first = show(read)
  const second = show(read)
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false])

  asked[1]?.answer('second')
  asked[0]?.answer('first')
  await Promise.all([first, second])

  expect(painted).toEqual(['second'])
})

it('keeps nothing fresh that is no longer shown', async () => {
  const { asked, show, read, aWhilePasses } = aScreen()
  const overview = show(read, { isKeptFresh: true })
  asked[0]?.answer('overview')
  await overview
  void show(read)
  aWhilePasses()

  expect(asked.length).toBe(2)
})

it('says that it waits for what the reader has asked for, and not for what it reads anew', async () => {
  const { waits, isAgain, asked, show, read, aWhilePasses } = aScreen()
  const shown = show(read, { isKeptFresh: true })
  expect(waits).toEqual([true])
  asked[0]?.answer('first')
  await shown
  expect(waits).toEqual([true, false])

  aWhilePasses()
  expect(waits).toEqual([true, false])
  asked[1]?.answer('second')
  await expect.poll(() => isAgain).toEqual([false, true])
})
