import { readLedger } from '../../db/ledger.ts'
import { loadPastCalls } from '../../db/past-calls.ts'
import type { Database } from '../../db/queryable.ts'
import type { CampaignRules } from '../../domain/campaign.ts'
import { rehearseCall } from '../../domain/rehearse.ts'
import { receivePostbacks } from '../../flow/receive-postback.ts'
import { rehearse } from '../../flow/rehearse.ts'
import { type LedgerSource, verifyLedger } from '../../flow/verify-ledger.ts'
import { ledgerOf } from '../verify.ts'
import type { Figure } from './figure.ts'
import type { Bench, BenchOptions } from './registry.ts'
import { fillHistory } from './settlement-history.ts'
import {
  type BenchDatabase,
  insertPendingCalls,
  openBenchDatabase,
  runClosedLoop,
  withBenchDatabase,
} from './settlement-load.ts'
import { NAIVE_IN_FLIGHT } from './settlement-naive.ts'

const CALLS_PER_SECOND = 10_000
/** A million in the five seconds that a measurement lasts unless said. */
const REHEARSED_PER_SECOND = 200_000
const AT_ONCE = 500
/** More than the peer decides again in one measurement. */
const PEER_CALLS_PER_SECOND_MAX = 20_000

/** How fast past calls are decided again, and how much memory that takes. */
export const rehearseBench: Bench = {
  name: 'rehearse',
  about: 'past calls decided again under other rules, and the memory that takes',
  run: (options) => withBenchDatabase((bench) => measureRehearsal(bench, options)),
}

/** How fast a ledger is verified. */
export const verifyBench: Bench = {
  name: 'verify',
  about: 'entries of the ledger derived again from their facts',
  run: (options) => withSettledCalls(options, measureVerification),
}

type Measure = (bench: BenchDatabase, options: BenchOptions) => Promise<readonly Figure[]>

/** A database in which every call was posted back and settled. */
async function withSettledCalls(
  options: BenchOptions,
  measure: Measure,
): Promise<readonly Figure[]> {
  const { seconds, progress } = options
  const bench = await openBenchDatabase()
  try {
    const calls = CALLS_PER_SECOND * seconds
    progress(`${calls} calls to be settled first`)
    const callUuids = await insertPendingCalls(bench.database, { calls, endedSecondsAgo: 0 })
    for (let from = 0; from < calls; from += AT_ONCE) {
      const requests = callUuids.slice(from, from + AT_ONCE).map((callUuid) => ({
        callUuid,
        leg: 1,
        text: { query: 'key=&revenue=10.00', body: '' },
        source: '127.0.0.1',
        method: 'GET' as const,
        isPrefetch: false,
      }))
      await receivePostbacks(bench.deps, requests)
    }
    await bench.database.query('vacuum analyze')
    return await measure(bench, options)
  } finally {
    await bench.close()
  }
}

async function measureRehearsal(
  { database, rules }: BenchDatabase,
  { seconds, progress }: BenchOptions,
): Promise<readonly Figure[]> {
  const wanted = REHEARSED_PER_SECOND * seconds
  progress(`rehearse: ${wanted} calls to be stored first`)
  await fillHistory(database, { calls: wanted, progress: () => {} })
  await database.query('vacuum analyze')
  progress('rehearse: one call a time')
  const peer = await rehearseOneByOne(database, rules, seconds / 2)
  progress('rehearse: all of them')
  const range = { since: new Date(0), until: new Date(Date.now() + 86_400_000) }
  const memory = watchMemory()
  let decided = 0
  let early = 0
  const startMs = performance.now()
  const { calls } = await rehearse(database, {
    campaignId: 'bench',
    ...range,
    rulesFor: () => {
      decided++
      if (decided === wanted / 4) early = memory.most()
      return rules
    },
    onDifference: () => {},
  })
  const perSecond = (calls * 1_000) / (performance.now() - startMs)
  const grown = memory.close() - early
  return [
    { bench: 'rehearse', figure: 'calls', value: perSecond, unit: '/s', better: 'higher', peer },
    {
      bench: 'rehearse',
      figure: 'memory',
      value: grown / 1e6,
      unit: `MB more after ${calls} calls than after a quarter`,
      better: 'lower',
    },
  ]
}

/** The same decisions where each call is asked for by itself. */
async function rehearseOneByOne(
  database: Database,
  rules: CampaignRules,
  seconds: number,
): Promise<NonNullable<Figure['peer']>> {
  const { rows } = await database.query<{ callUuid: string }>(
    `select call_uuid "callUuid" from calls limit $1`,
    [PEER_CALLS_PER_SECOND_MAX * seconds],
  )
  const now = new Date()
  const callUuids = rows.map(({ callUuid }) => callUuid).values()
  const { perSecond } = await runClosedLoop(callUuids, NAIVE_IN_FLIGHT, seconds, async (one) => {
    const past = (await loadPastCalls(database, [one])).get(one)
    if (past) rehearseCall(rules, past.call, now)
  })
  return { name: 'one call a query', value: perSecond }
}

/** The most memory that the process has had. */
function watchMemory() {
  let most = process.memoryUsage.rss()
  const look = () => (most = Math.max(most, process.memoryUsage.rss()))
  const timer = setInterval(look, 20)
  return {
    most: look,
    close(): number {
      clearInterval(timer)
      return look()
    },
  }
}

async function measureVerification(
  { database }: BenchDatabase,
  { seconds, progress }: BenchOptions,
): Promise<readonly Figure[]> {
  progress('verify: one entry a time')
  const source = ledgerOf(database)
  const naive = await entriesPerSecond(oneByOne(source, database, seconds / 2))
  progress('verify: all of them')
  const value = await entriesPerSecond(source)
  const peer = { name: 'one entry a query', value: naive }
  return [{ bench: 'verify', figure: 'entries', value, unit: '/s', better: 'higher', peer }]
}

async function entriesPerSecond(source: LedgerSource): Promise<number> {
  const startMs = performance.now()
  const found = await verifyLedger(source)
  if (found.kind === 'wrong') throw new Error(`${found.place} ${found.problem}`)
  return (found.entries * 1_000) / (performance.now() - startMs)
}

/** The same checks of entries that are read one after the other, as far as the time reaches. */
function oneByOne(source: LedgerSource, database: Database, seconds: number): LedgerSource {
  return {
    ...source,
    async *entries() {
      const endMs = performance.now() + seconds * 1_000
      for await (const page of readLedger(database, 1)) {
        yield page
        if (performance.now() > endMs) return
      }
    },
    async *places() {},
    anchors: async () => [],
    findCallWithoutEntry: async () => undefined,
  }
}
