/** Told of what went wrong where nobody waits for it. */
export type OnFailure = (error: unknown) => void

/**
 * Starts what nobody waits for. Whatever is thrown or rejected in it is told to `onFailure`: unhandled it would end
 * the process, and every call with it.
 */
export function inBackground(work: () => unknown, onFailure: OnFailure): void {
  start(work).catch(onFailure)
}

async function start(work: () => unknown): Promise<void> {
  await work()
}
