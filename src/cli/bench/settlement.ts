import { setTimeout as delay } from 'node:timers/promises'
import { createSteps } from '../../flow/steps.ts'
import { readPostback } from '../../http/postback-request.ts'
import { createCallKeys } from '../../keys.ts'
import { type Figure, quantile } from './figure.ts'
import type { Bench, BenchOptions } from './registry.ts'
import {
  type BenchDatabase,
  insertPendingCalls,
  IN_FLIGHT,
  moneyFigure as figure,
  post,
  runClosedLoop,
  withBenchDatabase,
} from './settlement-load.ts'
import { NAIVE, NAIVE_IN_FLIGHT, naivePostback } from './settlement-naive.ts'

/** More than either side does in one measurement. */
const CALLS_PER_SECOND_MAX = 18_000

/** How many postbacks are answered after their commit, and how soon; and how many wrong keys are refused. */
export const setValueBench: Bench = {
  name: 'set-value',
  about: 'postbacks answered after commit, beside one transaction a request; without HTTP',
  run: (options) => withBenchDatabase((bench) => measureSetValue(bench, options)),
}

async function measureSetValue(
  bench: BenchDatabase,
  { seconds, progress }: BenchOptions,
): Promise<readonly Figure[]> {
  const { database, plain, deps } = bench
  const steps = createSteps(deps, new AbortController().signal)
  const calls = CALLS_PER_SECOND_MAX * seconds * 3
  progress(`set-value: ${calls} calls that wait for a postback`)
  const callUuids = await insertPendingCalls(database, { calls, endedSecondsAgo: 0 })
  await database.query('vacuum analyze calls')
  const next = callUuids[Symbol.iterator]()
  const naive = naivePostback(plain)
  const ours = (callUuid: string) => post(steps, callUuid)

  // Turn and turn about, so that what else the machine does falls on both.
  const rates = { naive: 0, ours: 0 }
  const rounds = 4
  for (let round = 0; round < rounds; round++) {
    progress(`set-value: round ${round + 1} of ${rounds}`)
    const each = seconds / rounds
    rates.naive += (await runClosedLoop(next, NAIVE_IN_FLIGHT, each, naive)).perSecond / rounds
    rates.ours += (await runClosedLoop(next, IN_FLIGHT, each, ours)).perSecond / rounds
  }
  progress('set-value: at half the load')
  const ourP99 = await measureP99(next, rates.ours / 2, seconds / 2, ours)
  const naiveP99 = await measureP99(next, rates.naive / 2, seconds / 2, naive)
  const wrongKeys = measureWrongKeys(callUuids, seconds / 4)
  return [
    figure('set-value', 'throughput', rates.ours, '/s', { name: NAIVE, value: rates.naive }),
    figure('set-value', 'p99', ourP99, 'ms', { name: `${NAIVE}, half its load`, value: naiveP99 }),
    figure('set-value', 'wrong_key', wrongKeys, '/s', { name: NAIVE, value: rates.naive }),
  ]
}

/** Requests come at a steady rate, whether the ones before have been answered or not. */
async function measureP99(
  items: Iterator<string>,
  perSecond: number,
  seconds: number,
  work: (item: string) => Promise<unknown>,
): Promise<number> {
  const latenciesMs: number[] = []
  const running: Promise<unknown>[] = []
  const startMs = performance.now()
  for (let sent = 0; sent < perSecond * seconds; sent++) {
    const dueMs = startMs + (sent * 1_000) / perSecond
    // Never early: an answer to a request that is not due yet would count as quicker than it was.
    while (dueMs > performance.now()) await delay(1)
    const item = items.next()
    if (item.done) break
    // From when it was due: a generator that lags behind must not make things look better.
    const done = work(item.value).then(() => latenciesMs.push(performance.now() - dueMs))
    running.push(done)
  }
  await Promise.all(running)
  return quantile(latenciesMs, 0.99)
}

/** Reads the request and checks its key, as the handler of `set_value` does before anything else. */
function measureWrongKeys(callUuids: readonly string[], seconds: number): number {
  const keys = createCallKeys([{ version: 1, secret: 'secret of the bench' }])
  const wrong = keys.derive('00000000-0000-7000-8000-000000000000', 1)
  const startMs = performance.now()
  let refused = 0
  while (performance.now() - startMs < seconds * 1_000) {
    const uuidText = callUuids[refused % callUuids.length] ?? ''
    const target = `/calls/${uuidText}/set_value?key=${wrong}&revenue=10.00`
    const { callUuid = '', key = '' } = readPostback({
      uuidText,
      target,
      headers: {},
      body: undefined,
    })
    if (keys.check(callUuid, key) === undefined) refused++
  }
  return (refused * 1_000) / (performance.now() - startMs)
}
