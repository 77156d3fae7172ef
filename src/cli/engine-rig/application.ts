import type { ApplicationSettings } from './application-process.ts'
import { type Child, startChild } from './child.ts'

/** Starts the bare B2BUA; it is there for calls when the promise settles. */
export function startApplication(
  settings: ApplicationSettings,
): Promise<Child<{ readonly isReady: true }>> {
  return startChild('./application-process.ts', settings)
}
