import { setTimeout as delay } from 'node:timers/promises'

/** What is waited for, and how long. */
export interface WaitOptions {
  /** Ends the sentence "waited 5000 ms for …". */
  readonly what: string
  /** 5 s unless said. */
  readonly deadlineMs?: number
}

const POLL_MS = 5

/**
 * Asks `condition` every few milliseconds until it gives something other than undefined or false,
 * and gives that. A condition that throws fails at once.
 * @throws Error naming `what` once the deadline has passed.
 */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { what, deadlineMs = 5_000 }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const result = await condition()
    if (result !== undefined && result !== false) return result
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms for ${what}`)
    await delay(POLL_MS)
  }
}
