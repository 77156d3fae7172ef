import { setTimeout as delay } from 'node:timers/promises'
import type { LiveApiKey } from '../db/api-keys.ts'

/** The keys that are live, in memory. */
export interface KeyList {
  /**
   * The keys as they were at an instant or later. Reads them anew only if what is there is older.
   * @param atMs by `performance.now()`
   * @throws if the database is away
   */
  readonly readSince: (atMs: number) => Promise<readonly LiveApiKey[]>
}

/**
 * Reads begin at least so far apart, however many ask. Who needs a newer list waits for the next one,
 * together with everybody else.
 */
const APART_MS = 100

/** @param read gives the keys as they are at some instant after it is called */
export function createKeyList(read: () => Promise<readonly LiveApiKey[]>): KeyList {
  let latest = { keys: [] as readonly LiveApiKey[], atMs: -Infinity }
  let startedAtMs = -Infinity
  let running: Promise<unknown> = Promise.resolve()
  let waiting: Promise<readonly LiveApiKey[]> | undefined

  async function readNext(): Promise<readonly LiveApiKey[]> {
    await running.catch(() => {})
    const waitMs = startedAtMs + APART_MS - performance.now()
    if (waitMs > 0) await delay(waitMs)
    // Whoever comes from here on is too late for this one.
    waiting = undefined
    startedAtMs = performance.now()
    const atMs = startedAtMs
    const reading = read()
    running = reading
    const keys = await reading
    latest = { keys, atMs }
    return keys
  }

  return {
    async readSince(atMs) {
      if (latest.atMs >= atMs) return latest.keys
      waiting ??= readNext()
      return waiting
    },
  }
}
