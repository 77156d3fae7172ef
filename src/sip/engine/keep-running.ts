import { setTimeout as pause } from 'node:timers/promises'

/** What runs until it is closed, or ends by itself. */
export interface Running {
  /** Settles when it has ended: with undefined after `close`, else with why. It never rejects. */
  readonly exited: Promise<Error | undefined>
  readonly close: () => Promise<void>
}

/** How something is kept running. */
export interface KeepOptions<T extends Running> {
  readonly start: () => Promise<T>
  /** Told of the one that has taken the place of one that had ended, as soon as it has. */
  readonly onStart?: (started: T) => void
  /** Told why it has ended. */
  readonly onEnd: (error: Error | undefined) => void
  /** Told why it could not be started again; another attempt follows. */
  readonly onFailure: (error: unknown) => void
  readonly retryMs: number
}

/** Something that is started again whenever it ends by itself. */
export interface Kept<T extends Running> {
  /** The one that runs, or the last one that did. */
  readonly current: () => T
  /** Ends it for good. */
  readonly close: () => Promise<void>
}

/** Keeps something running that has been started, however often that has to be tried. */
export function keepRunning<T extends Running>(first: T, options: KeepOptions<T>): Kept<T> {
  const closing = new AbortController()
  let current = first
  const keep = async (): Promise<void> => {
    for (;;) {
      const error = await current.exited
      if (closing.signal.aborted) return
      options.onEnd(error)
      const next = await startAgain(options, closing.signal)
      if (!next) return
      current = next
      options.onStart?.(next)
    }
  }
  const kept = keep()
  return {
    current: () => current,
    close: async () => {
      closing.abort()
      await current.close()
      await kept
    },
  }
}

/** Undefined if it is not wanted any more. */
async function startAgain<T extends Running>(
  { onFailure, retryMs, start }: KeepOptions<T>,
  closing: AbortSignal,
): Promise<T | undefined> {
  while (!closing.aborted) {
    try {
      const started = await start()
      if (!closing.aborted) return started
      await started.close()
    } catch (error) {
      onFailure(error)
      await pause(retryMs, undefined, { signal: closing }).catch(() => undefined)
    }
  }
  return undefined
}
