import { styleText } from 'node:util'

/** A step of the story that was not seen, in words for the person who watches. */
export class MissingStep extends Error {}

/** Where the trail is written. */
export interface Output {
  readonly write: (text: string) => unknown
  /** Only a terminal has this. */
  readonly hasColors?: () => boolean
}

/** A step and the most it may take. */
export interface Step {
  readonly name: string
  readonly deadlineMs?: number
}

/** Prints each step of a story when it is seen. */
export interface Trail {
  readonly chapter: (title: string) => void
  /**
   * Watches for a step, prints it with what `tell` says about it, one line each, and gives it back.
   * @throws MissingStep once its deadline has passed, which aborts the signal, or if watching fails
   */
  readonly step: <T>(
    step: string | Step,
    watch: (signal: AbortSignal) => Promise<T>,
    tell?: (seen: T) => string | readonly string[],
  ) => Promise<T>
  readonly seenCount: () => number
  readonly elapsedMs: () => number
}

const DEADLINE_MS = 3_000
const NAME_WIDTH = 34

/** A trail whose time begins now. */
export function createTrail(output: Output): Trail {
  const startedAtMs = performance.now()
  const elapsedMs = () => performance.now() - startedAtMs
  const hasColours = output.hasColors?.() ?? false
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    hasColours ? styleText(format, text, { validateStream: false }) : text
  const line = (mark: string, name: string, detail = '') => {
    const offset = paint('dim', `${(elapsedMs() / 1000).toFixed(2).padStart(6)} s`)
    output.write(`${offset}  ${mark} ${name.padEnd(NAME_WIDTH)} ${detail}`.trimEnd() + '\n')
  }
  let seenCount = 0
  return {
    chapter: (title) => output.write(`\n${paint('bold', title)}\n`),
    async step(step, watch, tell = () => []) {
      const { name, deadlineMs = DEADLINE_MS } = typeof step === 'string' ? { name: step } : step
      try {
        const value = await within(deadlineMs, watch)
        const [first, ...more] = [tell(value)].flat()
        line(paint('green', '✓'), name, first)
        for (const detail of more) output.write(`${' '.repeat(NAME_WIDTH + 13)}${detail}\n`)
        seenCount++
        return value
      } catch (error) {
        line(paint('red', '✗'), name)
        const reason = error instanceof Error ? error.message : String(error)
        throw new MissingStep(`"${name}" was not seen: ${reason}`, { cause: error })
      }
    },
    seenCount: () => seenCount,
    elapsedMs,
  }
}

async function within<T>(
  deadlineMs: number,
  watch: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController()
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    deadline.reject(new Error(`nothing of it after ${deadlineMs / 1000} s`))
    stop.abort()
  }, deadlineMs)
  try {
    return await Promise.race([deadline.promise, watch(stop.signal)])
  } finally {
    clearTimeout(timer)
  }
}
