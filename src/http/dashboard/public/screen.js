/**
 * Shows what was asked for last and nothing else. What is kept fresh is asked for again a while after it was
 * painted: an answer that takes longer than that is waited for, and never asked for twice at once.
 *
 * @template Answer
 * @param {(answer: Answer, isAgain: boolean) => void} paint `isAgain` where the reader has not gone anywhere
 * @param {(again: () => void) => void} later calls `again` after a while
 * @param {(isWaiting: boolean) => void} [wait] told while the reader waits for something else than what is shown
 */
export function createScreen(paint, later, wait = () => {}) {
  let last = new AbortController()

  /**
   * @param {(signal: AbortSignal) => Promise<Answer>} read the signal is aborted once something else is asked for
   * @param {{ isKeptFresh?: boolean, isAgain?: boolean }} [options]
   */
  return async function show(read, { isKeptFresh = false, isAgain = false } = {}) {
    last.abort()
    const { signal } = (last = new AbortController())
    if (!isAgain) wait(true)
    const answer = await read(signal)
    if (signal.aborted) return
    wait(false)
    paint(answer, isAgain)
    if (isKeptFresh) later(() => signal.aborted || void show(read, { isKeptFresh, isAgain: true }))
  }
}
