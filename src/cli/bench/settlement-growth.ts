import { createSteps, type Steps } from '../../flow/steps.ts'
import { type Figure, quantile } from './figure.ts'
import { fillHistory } from './settlement-history.ts'
import {
  type BenchDatabase,
  ENDED_PER_SECOND,
  insertPendingCalls,
  IN_FLIGHT,
  moneyFigure,
  post,
  runClosedLoop,
} from './settlement-load.ts'

/** Calls that all wait for a postback. */
const WAITING = [10_000, 100_000, 1_000_000] as const
/** `BENCH_CALLS_MAX=10000000` measures that many stored calls too; making them takes some minutes. */
const STORED_MAX = Number(process.env['BENCH_CALLS_MAX'] ?? 1_000_000)
const INSERTED_AT_ONCE = 50_000
/** The last of a million calls that wait ends now, the others before it. */
const WAITING_MAX = Math.max(...WAITING)
const MEASURED_CALLS = 4_000
const ROUNDS = 5

interface Cost {
  readonly stored: number
  readonly micros: number
}

/**
 * Microseconds for a postback when more and more calls are stored, each beside the first. What is stored
 * beyond a million has been decided, with a postback and an entry of the ledger each.
 * @param whileAllWait is measured when all those wait that will, before the history is filled in
 */
export async function measureGrowth(
  bench: BenchDatabase,
  progress: (text: string) => void,
  whileAllWait: () => Promise<readonly Figure[]>,
): Promise<readonly Figure[]> {
  const steps = createSteps(bench.deps, new AbortController().signal)
  const costs: Cost[] = []
  let stored = 0
  for (const size of WAITING.filter((each) => each <= STORED_MAX)) {
    progress(`settle: ${size} calls`)
    for (; stored < size; stored += INSERTED_AT_ONCE) {
      const calls = Math.min(INSERTED_AT_ONCE, size - stored)
      const endedSecondsAgo = (WAITING_MAX - stored - calls) / ENDED_PER_SECOND
      await insertPendingCalls(bench.database, { calls, endedSecondsAgo })
    }
    stored = size
    costs.push(await measureCost(bench, steps, size))
  }
  const figures = await whileAllWait()
  if (STORED_MAX > stored) {
    progress(`settle: ${STORED_MAX} calls`)
    await fillHistory(bench.database, { calls: STORED_MAX - stored, progress })
    costs.push(await measureCost(bench, steps, STORED_MAX))
  }
  return [...figures, ...growthFigures(costs)]
}

/** The median of some rounds, with what making the calls has left to do out of the way. */
async function measureCost(
  { database }: BenchDatabase,
  steps: Steps,
  stored: number,
): Promise<Cost> {
  await database.query('vacuum analyze calls, settlements, postbacks, deadlines')
  await database.query('checkpoint')
  const micros: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const some = await insertPendingCalls(database, { calls: MEASURED_CALLS, endedSecondsAgo: 0 })
    const { perSecond } = await runClosedLoop(some.values(), IN_FLIGHT, 600, (callUuid) =>
      post(steps, callUuid),
    )
    micros.push(1e6 / perSecond)
  }
  return { stored, micros: quantile(micros, 0.5) }
}

function growthFigures([first, ...more]: readonly Cost[]): readonly Figure[] {
  const last = more.at(-1)
  return more.map(({ stored, micros }) => {
    const name = stored === last?.stored ? 'growth' : `growth_${stored}`
    const peer = { name: `at ${first?.stored ?? 0} calls`, value: first?.micros ?? 0 }
    return moneyFigure('settle', name, micros, `µs a call at ${stored}`, peer)
  })
}
