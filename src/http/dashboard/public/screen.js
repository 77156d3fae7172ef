/**
 * Shows what was asked for last and nothing else. What is kept fresh is asked for again a while after it was
 * painted: an answer that takes longer than that is waited for, and never asked for twice at once.
 *
 * @template Answer
 * @param {(answer: Answer) => void} paint
 * @param {(again: () => void) => void} later calls `again` after a while
 */
export function createScreen(paint, later) {
  let last = new AbortController()

  /**
   * @param {(signal: AbortSignal) => Promise<Answer>} read the signal is aborted once something else is asked for
   * @param {{ isKeptFresh?: boolean }} [options]
   */
  return async function show(read, { isKeptFresh = false } = {}) {
    last.abort()
    const { signal } = (last = new AbortController())
    const answer = await read(signal)
    if (signal.aborted) return
    paint(answer)
    if (isKeptFresh) later(() => signal.aborted || void show(read, { isKeptFresh }))
  }
}
