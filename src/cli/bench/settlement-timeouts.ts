import { expirePostbacks } from '../../flow/expire-postbacks.ts'
import { quantile, type Figure } from './figure.ts'
import type { Bench, BenchOptions } from './registry.ts'
import { measureGrowth } from './settlement-growth.ts'
import {
  type BenchDatabase,
  insertPendingCalls,
  moneyFigure,
  runClosedLoop,
  withBenchDatabase,
} from './settlement-load.ts'
import { NAIVE, NAIVE_IN_FLIGHT, naiveExpiry } from './settlement-naive.ts'

const EXPIRERS = 2
/** More than are settled in one measurement. */
const TOLD_PER_SECOND_MAX = 20_000

/** What settling costs while many calls are stored and wait. */
export const settleBench: Bench = {
  name: 'settle',
  about: 'timeouts: idle sweeps, all due at once, and the cost of a call as calls pile up',
  run: (options) => withBenchDatabase((bench) => measureSettle(bench, options)),
}

async function measureSettle(
  bench: BenchDatabase,
  options: BenchOptions,
): Promise<readonly Figure[]> {
  const { database } = bench
  const growth = await measureGrowth(bench, options.progress, async () => {
    await database.query('vacuum analyze calls, deadlines')
    return [
      figure('idle_sweep', await measureIdleSweep(bench), 'ms'),
      figure('index', await measureIndex(bench), 'MB'),
      await measureExpiriesWithUrls(bench, options),
      await measureExpiries(bench, options),
    ]
  })
  return growth
}

const figure = (name: string, value: number, unit: string, peer?: Figure['peer']): Figure =>
  moneyFigure('settle', name, value, unit, peer)

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

async function measureIndex({ database }: BenchDatabase): Promise<number> {
  const { rows } = await database.query<{ megabytes: number }>(
    `select pg_relation_size('deadlines_slot')::float8 / 1e6 megabytes`,
  )
  return rows[0]?.megabytes ?? 0
}

/** Calls that somebody is told of, one URL each; those that wait are not due yet. */
async function measureExpiriesWithUrls(
  bench: BenchDatabase,
  { seconds, progress }: BenchOptions,
): Promise<Figure> {
  progress('settle: some due, with a tracking URL each')
  const calls = TOLD_PER_SECOND_MAX * seconds
  await insertPendingCalls(bench.database, { calls, endedSecondsAgo: 3_600, version: 2 })
  await bench.database.query('vacuum analyze calls, deadlines')
  return figure('expiries_with_urls', await expirePerSecond(bench, seconds), '/s')
}

/** All that wait, once a day has passed. */
async function measureExpiries(
  bench: BenchDatabase,
  { seconds, progress }: BenchOptions,
): Promise<Figure> {
  progress('settle: all due')
  await passTime(bench, '1 day')
  const expiry = naiveExpiry(bench.plain)
  const always = { next: () => ({ done: false as const, value: '' }) }
  const naive = await runClosedLoop(always, NAIVE_IN_FLIGHT, seconds / 2, expiry)
  const perSecond = await expirePerSecond(bench, seconds)
  await passTime(bench, '0')
  return figure('expiries', perSecond, '/s', { name: NAIVE, value: naive.perSecond })
}

async function passTime({ database }: BenchDatabase, time: string): Promise<void> {
  await database.query(
    `create or replace function app_now() returns timestamptz language sql stable
         as $$ select now() + interval '${time}' $$`,
  )
}

/** As two processes do it, until time or calls run out. */
async function expirePerSecond({ deps }: BenchDatabase, seconds: number): Promise<number> {
  const startMs = performance.now()
  let settled = 0
  const expire = async () => {
    while (performance.now() - startMs < seconds * 1_000) {
      const round = await expirePostbacks(deps)
      settled += round.settled
      if (round.settled === 0) return
    }
  }
  await Promise.all(Array.from({ length: EXPIRERS }, expire))
  return (settled * 1_000) / (performance.now() - startMs)
}
