import { setTimeout as delay } from 'node:timers/promises'
import { createSteps, type Steps } from '../../flow/steps.ts'
import { expirePostbacks } from '../../flow/expire-postbacks.ts'
import { readPostback } from '../../http/postback-request.ts'
import { createCallKeys } from '../../keys.ts'
import { type Figure, quantile } from './figure.ts'
import type { Bench, BenchOptions } from './registry.ts'
import {
  type BenchDatabase,
  insertPendingCalls,
  openBenchDatabase,
  runClosedLoop,
} from './settlement-load.ts'
import { naiveExpiry, naivePostback } from './settlement-naive.ts'

const NAIVE_IN_FLIGHT = 32
const IN_FLIGHT = 1_000
const NAIVE = 'one transaction a request'
/** More than either side does in one measurement. */
const CALLS_PER_SECOND_MAX = 12_000

/** How many postbacks are answered after their commit, and how soon; and how many wrong keys are refused. */
export const setValueBench: Bench = {
  name: 'set-value',
  about: 'postbacks answered after commit, beside one transaction a request; without HTTP',
  run: (options) => withBenchDatabase((bench) => measureSetValue(bench, options)),
}

async function withBenchDatabase(
  work: (bench: BenchDatabase) => Promise<readonly Figure[]>,
): Promise<readonly Figure[]> {
  const bench = await openBenchDatabase()
  try {
    return await work(bench)
  } finally {
    await bench.close()
  }
}

async function measureSetValue(
  bench: BenchDatabase,
  { seconds, progress }: BenchOptions,
): Promise<readonly Figure[]> {
  const { database, deps } = bench
  const steps = createSteps(deps, new AbortController().signal)
  const calls = CALLS_PER_SECOND_MAX * seconds * 3
  progress(`set-value: ${calls} calls that wait for a postback`)
  const callUuids = await insertPendingCalls(database, { calls, endedSecondsAgo: 0 })
  await database.query('vacuum analyze calls')
  const next = callUuids[Symbol.iterator]()
  const naive = naivePostback(database)
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

const post = (steps: Steps, callUuid: string): Promise<unknown> =>
  steps.receivePostback({
    callUuid,
    leg: 1,
    text: { query: 'key=&revenue=10.00', body: '' },
    source: '127.0.0.1',
    method: 'GET',
    isPrefetch: false,
  })

function figure(
  bench: string,
  name: string,
  value: number,
  unit: string,
  peer?: Figure['peer'],
): Figure {
  const better = unit === '/s' ? 'higher' : 'lower'
  return { bench, figure: name, value, unit, better, ...(peer && { peer }) }
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
    if (dueMs > performance.now()) await delay(1)
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

const STORED = [10_000, 100_000, 1_000_000] as const
/** `BENCH_CALLS_MAX=10000000` measures that many stored calls too; making them takes a while. */
const STORED_MAX = Number(process.env['BENCH_CALLS_MAX'] ?? 1_000_000)
const INSERTED_AT_ONCE = 50_000
const MEASURED_CALLS = 4_000
const EXPIRERS = 2

/** What settling costs while many calls are stored and wait. */
export const settleBench: Bench = {
  name: 'settle',
  about: 'timeouts: idle sweeps, all due at once, and the cost of a call as calls pile up',
  run: (options) => withBenchDatabase((bench) => measureSettle(bench, options)),
}

async function measureSettle(
  bench: BenchDatabase,
  { seconds, progress }: BenchOptions,
): Promise<readonly Figure[]> {
  const { database } = bench
  const growth = await measureGrowth(bench, progress)
  await database.query('vacuum analyze calls')
  const sweepMs = await measureIdleSweep(bench)
  const { rows } = await database.query<{ megabytes: number }>(
    `select sum(pg_relation_size(indexrelid))::float8 / 1e6 megabytes from pg_index
      where indexrelid::regclass::text like 'calls%settle_at%'`,
  )
  progress('settle: all due')
  await database.query(
    `create or replace function app_now() returns timestamptz language sql stable
         as $$ select now() + interval '1 day' $$`,
  )
  const expiry = naiveExpiry(database)
  const always = { next: () => ({ done: false as const, value: '' }) }
  const naive = await runClosedLoop(always, NAIVE_IN_FLIGHT, seconds / 2, expiry)
  const startMs = performance.now()
  let settled = 0
  const expire = async () => {
    while (performance.now() - startMs < seconds * 1_000) {
      const round = await expirePostbacks(bench.deps)
      settled += round.settled
      if (round.settled === 0) return
    }
  }
  await Promise.all(Array.from({ length: EXPIRERS }, expire))
  const perSecond = (settled * 1_000) / (performance.now() - startMs)
  return [
    figure('settle', 'expiries', perSecond, '/s', { name: NAIVE, value: naive.perSecond }),
    figure('settle', 'idle_sweep', sweepMs, 'ms'),
    figure('settle', 'index', rows[0]?.megabytes ?? 0, 'MB'),
    ...growth,
  ]
}

/** The median of what a sweep takes that finds nothing due. */
async function measureIdleSweep({ deps }: BenchDatabase): Promise<number> {
  const timesMs: number[] = []
  for (let sweep = 0; sweep < 200; sweep++) {
    const fromMs = performance.now()
    await expirePostbacks(deps)
    timesMs.push(performance.now() - fromMs)
  }
  return quantile(timesMs, 0.5)
}

/** Microseconds for a postback, when more and more calls are stored; each beside the first. */
async function measureGrowth(
  { database, deps }: BenchDatabase,
  progress: (text: string) => void,
): Promise<readonly Figure[]> {
  const steps = createSteps(deps, new AbortController().signal)
  const costs: { readonly stored: number; readonly micros: number }[] = []
  let stored = 0
  for (const size of [...STORED, 10_000_000].filter((each) => each <= STORED_MAX)) {
    progress(`settle: ${size} calls`)
    while (stored < size) {
      const calls = Math.min(INSERTED_AT_ONCE, size - stored)
      await insertPendingCalls(database, { calls, endedSecondsAgo: 0 })
      stored += calls
    }
    await database.query('vacuum analyze calls')
    const some = await insertPendingCalls(database, { calls: MEASURED_CALLS, endedSecondsAgo: 0 })
    const { perSecond } = await runClosedLoop(some.values(), IN_FLIGHT, 600, (callUuid) =>
      post(steps, callUuid),
    )
    costs.push({ stored: size, micros: 1e6 / perSecond })
  }
  const [first, ...more] = costs
  const last = more.at(-1)
  return more.map(({ stored: size, micros }) => {
    const name = size === last?.stored ? 'growth' : `growth_${size}`
    const peer = { name: `at ${first?.stored ?? 0} calls`, value: first?.micros ?? 0 }
    return figure('settle', name, micros, `µs a call at ${size}`, peer)
  })
}
