import type { Database } from '../../db/queryable.ts'
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
const ALWAYS = { next: () => ({ done: false as const, value: '' }) }

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
      await measureIdleSweep(bench),
      await measureIndex(bench),
      await measureExpiriesWithUrls(bench, options),
      await measureExpiries(bench, options),
    ]
  })
  return growth
}

const figure = (name: string, value: number, unit: string, peer?: Figure['peer']): Figure =>
  moneyFigure('settle', name, value, unit, peer)

/** What a sweep takes that finds nothing due, beside the same question without an index. */
async function measureIdleSweep({ deps, plain }: BenchDatabase): Promise<Figure> {
  const ours = await medianMs(200, () => expirePostbacks(deps))
  const naive = await medianMs(5, () =>
    plain.query(
      `select call_uuid from calls where conversion = 'pending' and settle_at <= app_now() limit 500`,
    ),
  )
  return figure('idle_sweep', ours, 'ms', { name: 'all calls read', value: naive })
}

async function medianMs(times: number, work: () => Promise<unknown>): Promise<number> {
  const timesMs: number[] = []
  for (let time = 0; time < times; time++) {
    const fromMs = performance.now()
    await work()
    timesMs.push(performance.now() - fromMs)
  }
  return quantile(timesMs, 0.5)
}

/** What the index of deadlines takes, beside one of the calls that wait, by their instant. */
async function measureIndex({ database }: BenchDatabase): Promise<Figure> {
  const ours = await megabytesOf(database, 'deadlines_slot')
  await database.query(
    `create index peer_settle_at on calls (settle_at) where conversion = 'pending'`,
  )
  const naive = await megabytesOf(database, 'peer_settle_at')
  await database.query('drop index peer_settle_at')
  return figure('index', ours, 'MB', { name: 'an index of calls', value: naive })
}

/** With its parts, where the table is in months. */
async function megabytesOf({ query }: Database, index: string): Promise<number> {
  const { rows } = await query<{ megabytes: number }>(
    `select sum(pg_relation_size(oid))::float8 / 1e6 megabytes
       from (select $1::regclass oid union select inhrelid from pg_inherits where inhparent = $1::regclass) part`,
    [index],
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
  const expiry = naiveExpiry(bench.plain, 'https://tracker.example/no-sale')
  const naive = await runClosedLoop(ALWAYS, NAIVE_IN_FLIGHT, seconds / 2, expiry)
  const perSecond = await expirePerSecond(bench, seconds)
  // Those that are left are not to come before the ones that nobody is told of.
  while ((await expirePostbacks(bench.deps)).settled > 0);
  return figure('expiries_with_urls', perSecond, '/s', { name: NAIVE, value: naive.perSecond })
}

/** All that wait, once a day has passed. */
async function measureExpiries(
  bench: BenchDatabase,
  { seconds, progress }: BenchOptions,
): Promise<Figure> {
  progress('settle: all due')
  await passTime(bench, '1 day')
  const expiry = naiveExpiry(bench.plain)
  const naive = await runClosedLoop(ALWAYS, NAIVE_IN_FLIGHT, seconds / 2, expiry)
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
