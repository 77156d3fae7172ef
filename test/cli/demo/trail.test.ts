import { describe, expect, it } from 'vitest'
import { createTrail, MissingStep } from '../../../src/cli/demo/trail.ts'

/** Keeps what a trail writes, with the times left out. */
function aPage({ isTerminal = false } = {}) {
  const texts: string[] = []
  const read = () => texts.join('').replaceAll(/\d+\.\d\d s/g, 'T s')
  const write = (text: string) => texts.push(text)
  return { write, read, ...(isTerminal && { hasColors: () => true }) }
}

describe('createTrail', () => {
  it('prints a step when it is seen, with its details one below the other', async () => {
    const page = aPage()
    const trail = createTrail(page)
    const seen = await trail.step(
      'the phone rings',
      () => Promise.resolve(7),
      (count) => [`${count} times`, 'then stops'],
    )
    expect(seen).toBe(7)
    expect(trail.seenCount()).toBe(1)
    expect(page.read()).toBe(
      `  T s  ✓ the phone rings                    7 times\n${' '.repeat(47)}then stops\n`,
    )
  })

  it('names the step that does not come, and stops watching for it', async () => {
    const page = aPage()
    let stopped: AbortSignal | undefined
    const watch = (signal: AbortSignal) => {
      stopped = signal
      return new Promise<never>(() => {})
    }
    const step = createTrail(page).step({ name: 'the ping arrives', deadlineMs: 20 }, watch)
    await expect(step).rejects.toThrow(
      new MissingStep('"the ping arrives" was not seen: nothing of it after 0.02 s'),
    )
    expect(stopped?.aborted).toBe(true)
    expect(page.read()).toBe('  T s  ✗ the ping arrives\n')
  })

  it('says why a step failed', async () => {
    const trail = createTrail(aPage())
    const step = trail.step('the buyer answers', () => Promise.reject(new Error('status 486')))
    await expect(step).rejects.toThrow('"the buyer answers" was not seen: status 486')
    expect(trail.seenCount()).toBe(0)
  })

  it('counts a step as missing when what was seen is not what it should be', async () => {
    const trail = createTrail(aPage())
    const step = trail.step(
      'the headers are there',
      () => Promise.resolve(''),
      () => {
        throw new Error('there are none')
      },
    )
    await expect(step).rejects.toThrow('"the headers are there" was not seen: there are none')
  })

  it('uses colours on a terminal', async () => {
    const page = aPage({ isTerminal: true })
    await createTrail(page).step('a', () => Promise.resolve())
    expect(page.read()).toContain('\u001B[32m✓')
  })
})
