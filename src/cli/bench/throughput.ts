import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { untilPortTaken } from '../../../sip-scenarios/ports.ts'
import { DIALLED, type Subject } from './subject.ts'

/** SIPp as the buyer, for as long as the bench lasts. */
export interface SippBuyer {
  readonly close: () => Promise<void>
}

/** Starts SIPp's own answering scenario on the port. */
export async function startSippBuyer(port: number): Promise<SippBuyer> {
  const args = ['-sn', 'uas', '-i', '127.0.0.1', '-p', String(port), '-nostdin']
  const child = spawn('sipp', args, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  await untilPortTaken('127.0.0.1', port, exited)
  return {
    async close() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** How a search for the highest rate goes about it. */
export interface Search {
  readonly first: number
  readonly max: number
  /** Whether the rate is carried without a single failure. */
  readonly isCarried: (rate: number) => Promise<boolean>
}

const HALVINGS = 3

/**
 * The highest rate that is carried, found by doubling and then halving the gap; 0 if not even the
 * first is.
 */
export async function findHighestRate({ first, max, isCarried }: Search): Promise<number> {
  let carried = 0
  let failed = first
  while (failed <= max && (await isCarried(failed))) {
    carried = failed
    failed *= 2
  }
  if (carried === 0 || failed > max) return carried
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = Math.round((carried + failed) / 2)
    if (await isCarried(middle)) carried = middle
    else failed = middle
  }
  return carried
}

const HOLD_MS = 200
/** How much longer than planned a run may take that still counts as carried. */
const SLACK_MS = 1_000
/** When SIPp gives up an overloaded run. */
const LATE_SECONDS_MAX = 5

/**
 * Lets SIPp make calls at a rate: carried if every call went as written and none had to queue, seen by the
 * whole run ending in time.
 */
export async function isRateCarried(
  { sip }: Subject,
  rate: number,
  seconds: number,
): Promise<boolean> {
  const startMs = performance.now()
  const exitCode = await sippCaller(sip, { rate, calls: rate * seconds, seconds })
  const tookMs = performance.now() - startMs
  return exitCode === 0 && tookMs <= seconds * 1_000 + HOLD_MS + SLACK_MS
}

/** Waits until single calls go through again after an overload. @throws if they do not */
export async function untilCalm({ sip, name }: Subject): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    if ((await sippCaller(sip, { rate: 1, calls: 1, seconds: 1 })) === 0) return
    await delay(500)
  }
  throw new Error(`${name} takes no calls after an overload`)
}

async function sippCaller(
  { host, port }: Subject['sip'],
  {
    rate,
    calls,
    seconds,
  }: { readonly rate: number; readonly calls: number; readonly seconds: number },
): Promise<number | null> {
  const scenario = ['-sn', 'uac', '-s', DIALLED, '-i', '127.0.0.1', '-nostdin']
  const load = ['-r', String(rate), '-m', String(calls), '-l', String(calls), '-d', String(HOLD_MS)]
  const limit = ['-timeout', `${seconds + LATE_SECONDS_MAX}s`, '-timeout_error']
  const args = [...scenario, ...load, ...limit, `${host}:${port}`]
  const child = spawn('sipp', args, { stdio: 'ignore' })
  // After an overload it may wait for answers that will never come, whatever it has been told.
  const timer = setTimeout(() => child.kill('SIGKILL'), (seconds + 2 * LATE_SECONDS_MAX) * 1_000)
  const [exitCode] = (await once(child, 'exit')) as [number | null]
  clearTimeout(timer)
  return exitCode
}
