import assert from 'node:assert/strict'
import { isConnectionFailure } from './pool.ts'

/** How a batcher runs what it has collected. */
export interface BatcherOptions<Item, Result> {
  /**
   * Does the items together, in one statement or one transaction: all or nothing, since a batch
   * that fails is taken apart and run again. `results[i]` answers `items[i]`.
   */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>
  /** Most items in one batch. */
  readonly sizeMax: number
  /** Most batches on their way at once, each on a connection of its own. */
  readonly concurrency: number
}

/** Collects single items into batches. */
export interface Batcher<Item, Result> {
  /** Resolves with this item's result once its batch is done; rejects with its own failure. */
  readonly add: (item: Item) => Promise<Result>
  /** Resolves when nothing waits and nothing is on its way. */
  readonly idle: () => Promise<void>
}

interface Entry<Item, Result> extends PromiseWithResolvers<Result> {
  readonly item: Item
}

/**
 * Collects what arrives while earlier batches are on their way and hands it over as one array: many
 * commits become one. Nothing waits for company: the first item starts in this turn of the event
 * loop, together with what else arrives in it. Order is kept within a batch; batches run side by
 * side.
 */
export function createBatcher<Item, Result>(
  options: BatcherOptions<Item, Result>,
): Batcher<Item, Result> {
  const { run, sizeMax, concurrency } = options
  const waiting: Entry<Item, Result>[] = []
  let onTheirWay = 0
  let scheduled = false
  const idlers: (() => void)[] = []

  function start(): void {
    scheduled = false
    while (waiting.length > 0 && onTheirWay < concurrency) {
      const entries = waiting.splice(0, sizeMax)
      onTheirWay += 1
      void settleBatch(run, entries).then(finish)
    }
  }

  function finish(): void {
    onTheirWay -= 1
    start()
    if (onTheirWay > 0 || waiting.length > 0) return
    for (const resolve of idlers.splice(0)) resolve()
  }

  return {
    add(item) {
      const entry = { item, ...Promise.withResolvers<Result>() }
      waiting.push(entry)
      if (!scheduled && onTheirWay < concurrency) {
        scheduled = true
        setImmediate(start)
      }
      return entry.promise
    },
    idle() {
      if (onTheirWay === 0 && waiting.length === 0) return Promise.resolve()
      return new Promise((resolve) => idlers.push(resolve))
    },
  }
}

type Run<Item, Result> = BatcherOptions<Item, Result>['run']

/** Never rejects: every failure goes to the entries it belongs to. */
async function settleBatch<Item, Result>(
  run: Run<Item, Result>,
  entries: readonly Entry<Item, Result>[],
): Promise<void> {
  const outcome = await attempt(run, entries)
  if (outcome.kind === 'done') {
    entries.forEach((entry, index) => entry.resolve(outcome.results[index] as Result))
    return
  }
  // One by one only where one bad item may be to blame; while the database is away each would wait.
  if (entries.length > 1 && outcome.kind === 'failed' && !isConnectionFailure(outcome.error)) {
    for (const entry of entries) await settleBatch(run, [entry])
    return
  }
  for (const entry of entries) entry.reject(outcome.error)
}

type Outcome<Result> =
  | { readonly kind: 'done'; readonly results: readonly Result[] }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** `run` has done its work and miscounted: a bug, and nothing to run again. */
  | { readonly kind: 'miscounted'; readonly error: unknown }

async function attempt<Item, Result>(
  run: Run<Item, Result>,
  entries: readonly Entry<Item, Result>[],
): Promise<Outcome<Result>> {
  try {
    const results = await run(entries.map(({ item }) => item))
    if (results.length === entries.length) return { kind: 'done', results }
    const message = `${results.length} results for ${entries.length} items`
    return { kind: 'miscounted', error: new assert.AssertionError({ message }) }
  } catch (error) {
    return { kind: 'failed', error }
  }
}
