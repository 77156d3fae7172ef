import { setTimeout as delay } from 'node:timers/promises'

/** Looks at something again and again, never twice at once. */
export interface Poll {
  /** Resolves once a look that began after this call has ended. @throws what that look throws */
  readonly next: () => Promise<void>
  /** Stops looking, and waits for the look that is under way. Safe to call twice. */
  readonly close: () => Promise<void>
}

/** How to poll. */
export interface PollOptions {
  readonly everyMs: number
  /** Told of the first of several failures in a row. */
  readonly onFailure: (error: unknown) => void
}

/** Looks once every so often until it is closed. What `look` throws ends neither the loop nor the process. */
export function startPoll(look: () => Promise<void>, { everyMs, onFailure }: PollOptions): Poll {
  const stopping = new AbortController()
  let last: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | undefined

  function next(): Promise<void> {
    // Whoever asks while one look runs and one waits may share the waiting one: it has not begun.
    waiting ??= last
      .catch(() => {})
      .then(() => {
        waiting = undefined
        return look()
      })
    last = waiting
    return waiting
  }

  async function loop(): Promise<void> {
    let isFailing = false
    while (await rests(everyMs, stopping.signal)) {
      try {
        await next()
        isFailing = false
      } catch (error) {
        if (!isFailing) onFailure(error)
        isFailing = true
      }
    }
  }

  const looped = loop()
  return {
    next,
    close: async () => {
      stopping.abort()
      await looped
      await last.catch(() => {})
    },
  }
}

/** False once it is time to stop. */
async function rests(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal })
  } catch {
    return false
  }
  return !signal.aborted
}
