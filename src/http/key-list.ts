import { setTimeout as delay } from 'node:timers/promises'
import type { LiveApiKey } from '../db/api-keys.ts'

/** The keys that are live, in memory. */
export interface KeyList {
  /**
   * The keys as they were at an instant or later. Reads them anew only if what is there is older.
   * @param atMs by `performance.now()`, unless told otherwise
   * @throws if the database is away
   */
  readonly readSince: (atMs: number) => Promise<readonly LiveApiKey[]>
}

/**
 * Reads begin at least so far apart, however many ask. Who needs a newer list waits for the next one,
 * together with everybody else.
 */
const APART_MS = 100

type Keys = readonly LiveApiKey[]

const NONE = { keys: [] as Keys, atMs: -Infinity }

/**
 * @param read gives the keys as they are at some instant after it is called
 * @param monotonicMs the clock by which instants are told
 */
export function createKeyList(
  read: () => Promise<Keys>,
  monotonicMs = () => performance.now(),
): KeyList {
  let latest = NONE
  let running: { readonly atMs: number; readonly done: Promise<Keys> } | undefined
  let startedAtMs = -Infinity
  let waiting: Promise<Keys> | undefined

  async function readNext(): Promise<Keys> {
    await running?.done.catch(() => {})
    const waitMs = startedAtMs + APART_MS - monotonicMs()
    if (waitMs > 0) await delay(waitMs)
    // Whoever comes from here on is too late for this one, unless an older list will do.
    waiting = undefined
    startedAtMs = monotonicMs()
    const done = readAt(startedAtMs)
    running = { atMs: startedAtMs, done }
    return done
  }

  async function readAt(atMs: number): Promise<Keys> {
    try {
      latest = { keys: await read(), atMs }
      return latest.keys
    } finally {
      running = undefined
    }
  }

  return {
    async readSince(atMs) {
      if (latest.atMs >= atMs) return latest.keys
      if (running && running.atMs >= atMs) return running.done
      waiting ??= readNext()
      return waiting
    },
  }
}
