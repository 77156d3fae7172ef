import { createRecentMap } from '../recent-map.ts'

/** What a name server said, and for how long it may be believed. */
export interface Answer<T> {
  readonly value: T
  readonly ttlMs: number
}

/** Remembers what names were answered with. */
export interface NameCache<T> {
  /** What is known, or what the name server says now. One question at a time for each name. */
  readonly get: (name: string) => Promise<T>
  readonly size: () => number
}

/** Names remembered at least, and at most twice as many; the longest unused go first. */
const NAMES_MIN = 1_000

/** How long to wait before a name server that has failed is asked again. */
const RETRY_MS = 2_000

/** How long an answer may be used beyond its time while the name server fails. @see RFC 8767 */
const STALE_MS = 3_600_000

/** The part of its time after which an answer that is wanted is asked for again. */
const RENEWED_AT = 0.8

interface Entry<T> {
  answer: T
  untilMs: number
  /** From when on it is asked again beforehand, so that nobody has to wait. */
  renewAtMs: number
  /** When the answer really was given up by the name server's own word. */
  expiredAtMs: number
  asking: Promise<T> | undefined
}

/**
 * Builds an empty cache. An answer holds for its time, and is renewed towards its end if it is wanted then.
 * When the name server fails after that, the old answer goes on to hold for an hour, else `none` does for two seconds.
 *
 * @param ask rejects if the name server fails; that a name does not exist is an answer
 * @param now a clock in milliseconds that never goes back
 */
export function createNameCache<T>(
  ask: (name: string) => Promise<Answer<T>>,
  none: T,
  now: () => number,
): NameCache<T> {
  const entries = createRecentMap<Entry<T>>(NAMES_MIN)
  const find = (name: string): Entry<T> => {
    const known = entries.get(name)
    if (known) return known
    const entry: Entry<T> = {
      answer: none,
      untilMs: -1,
      renewAtMs: 0,
      expiredAtMs: -Infinity,
      asking: undefined,
    }
    entries.set(name, entry)
    return entry
  }
  return {
    get: (name) => {
      const entry = find(name)
      const nowMs = now()
      if (nowMs >= entry.renewAtMs) entry.asking ??= refresh(entry, () => ask(name), { none, now })
      if (nowMs < entry.untilMs || !entry.asking) return Promise.resolve(entry.answer)
      return entry.asking
    },
    size: entries.size,
  }
}

async function refresh<T>(
  entry: Entry<T>,
  ask: () => Promise<Answer<T>>,
  { none, now }: { readonly none: T; readonly now: () => number },
): Promise<T> {
  try {
    const { ttlMs, value } = await ask()
    entry.answer = value
    entry.untilMs = now() + ttlMs
    entry.renewAtMs = now() + ttlMs * RENEWED_AT
    entry.expiredAtMs = entry.untilMs
  } catch {
    if (now() > entry.expiredAtMs + STALE_MS) entry.answer = none
    entry.untilMs = Math.max(entry.untilMs, now() + RETRY_MS)
    entry.renewAtMs = now() + RETRY_MS
  }
  entry.asking = undefined
  return entry.answer
}
