import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { createSteps, type Steps } from '../../flow/steps.ts'
import { createPostbackLimiter, POSTBACK_LIMITS } from '../../http/postback-limits.ts'
import { readPostback } from '../../http/postback-request.ts'
import { answerPostback } from '../../http/postbacks.ts'
import { createCallKeys } from '../../keys.ts'
import type { Logger } from '../../telemetry/logger.ts'
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
import { NAIVE, NAIVE_IN_FLIGHT, naiveLookUp, naivePostback } from './settlement-naive.ts'

/** More than either side does in one measurement. */
const CALLS_PER_SECOND_MAX = 18_000

/** How many postbacks are answered after their commit, and how soon; and how many wrong keys are refused. */
export const setValueBench: Bench = {
  name: 'set-value',
  about:
    'postbacks answered after commit and wrong keys refused, beside one transaction a request; without HTTP',
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
  progress('set-value: wrong keys')
  const alone = { ...steps, recordRefusal() {} }
  const wrongKeys = await measureWrongKeys(alone, callUuids, seconds / 4)
  const storedToo = await measureWrongKeys(steps, callUuids, seconds / 4)
  const lookUp = naiveLookUp(plain)
  const lookUps = await runClosedLoop(callUuids.values(), NAIVE_IN_FLIGHT, seconds / 4, lookUp)
  const lookedUp = { name: 'one look-up a request', value: lookUps.perSecond }
  return [
    figure('set-value', 'throughput', rates.ours, '/s', { name: NAIVE, value: rates.naive }),
    figure('set-value', 'p99', ourP99, 'ms', { name: `${NAIVE}, half its load`, value: naiveP99 }),
    figure('set-value', 'wrong_key', wrongKeys, '/s', lookedUp),
    figure('set-value', 'wrong_key_stored', storedToo, '/s', lookedUp),
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

/**
 * Wrong keys from as many networks as there are requests, so that no limit spares the work: each is read,
 * counted, checked and given to `recordRefusal`.
 */
async function measureWrongKeys(
  steps: Steps,
  callUuids: readonly string[],
  seconds: number,
): Promise<number> {
  const keys = createCallKeys([{ version: 1, secret: 'secret of the bench' }])
  const wrong = keys.derive('00000000-0000-7000-8000-000000000000', 1)
  const limiter = createPostbackLimiter(POSTBACK_LIMITS)
  const deps = { ...steps, checkKey: keys.check, logger: silent }
  const startMs = performance.now()
  let refused = 0
  while (performance.now() - startMs < seconds * 1_000) {
    const uuidText = callUuids[refused % callUuids.length] ?? ''
    const target = `/calls/${uuidText}/set_value?key=${wrong}&revenue=10.00`
    const read = readPostback({ uuidText, target, headers: {}, body: undefined })
    const arrived = { ...read, source: networkNumber(refused), method: 'GET' }
    const { httpStatus } = await answerPostback(deps, limiter, arrived)
    if (httpStatus !== 403) throw new Error(`a wrong key was answered ${httpStatus}`)
    refused++
    // As between packets: what is to be stored has its turn.
    if (refused % PER_TURN === 0) await nextTurn()
  }
  return (refused * 1_000) / (performance.now() - startMs)
}

const PER_TURN = 32
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** An address in a network of its own, millions of them. */
const networkNumber = (index: number): string =>
  `${11 + ((index >> 16) & 63)}.${(index >> 8) & 255}.${index & 255}.1`
