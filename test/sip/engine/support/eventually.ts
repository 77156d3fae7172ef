import { setTimeout as pause } from 'node:timers/promises'

const DEADLINE_MS = 4_000

/** Waits until `find` gives something; fails with what `complaint` says after four seconds or as long as given. */
export async function eventually<T>(
  find: () => T | undefined | false,
  complaint: () => string,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const deadlineAt = Date.now() + deadlineMs
  for (;;) {
    const found = find()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadlineAt) throw new Error(complaint())
    await pause(2)
  }
}
