import { setTimeout as delay } from 'node:timers/promises'
import { type Figure, quantile } from './figure.ts'
import { type PingReceiver, startPingReceiver } from './pings.ts'
import type { BenchOptions } from './registry.ts'
import { openStopwatch, type Stopwatch, type TimedCall } from './stopwatch.ts'
import { startBridgeSubject, startPingingPeerSubject, type Subject } from './subject.ts'

/** Calls a second that the delays are measured at. */
const STEADY_RATE = 50
/** Until the code is compiled, connections are open and tables are in memory. */
const WARM_UP_SECONDS = 3
const PINGS_MS_MAX = 5_000
const POLL_MS = 20
/** Keeps nothing: what a crash takes away is never sent. */
const FROM_MEMORY = 'a request from memory'

/** One second each in turn, so that what else the machine does falls on both alike. */
export async function measureDelays(options: BenchOptions): Promise<readonly Figure[]> {
  const pings = await startPingReceiver()
  const stopwatch = await openStopwatch()
  const places = { buyerPort: stopwatch.buyerPort, pingUrl: pings.url }
  const bridge = await startBridgeSubject(places)
  const peer = await startPingingPeerSubject(places)
  try {
    options.progress(`delays at ${STEADY_RATE} calls/s: ${bridge.name} and ${peer.name} in turn`)
    const calls = await timeInTurn(stopwatch, { bridge, peer }, options.seconds)
    await untilPinged(pings, [...calls.bridge, ...calls.peer])
    return delayFigures(calls, peer.name, pings)
  } finally {
    await Promise.all([bridge.close(), peer.close()])
    stopwatch.close()
    await pings.close()
  }
}

interface Timed {
  readonly bridge: readonly TimedCall[]
  readonly peer: readonly TimedCall[]
}

async function timeInTurn(
  stopwatch: Stopwatch,
  { bridge, peer }: { readonly bridge: Subject; readonly peer: Subject },
  seconds: number,
): Promise<Timed> {
  const timed = { bridge: [] as TimedCall[], peer: [] as TimedCall[] }
  await stopwatch.run(bridge, STEADY_RATE, WARM_UP_SECONDS)
  await stopwatch.run(peer, STEADY_RATE, WARM_UP_SECONDS)
  for (let second = 0; second < seconds; second++) {
    timed.bridge.push(...(await stopwatch.run(bridge, STEADY_RATE, 1)))
    timed.peer.push(...(await stopwatch.run(peer, STEADY_RATE, 1)))
  }
  return timed
}

/** @throws if some are missing: a figure without them would be too good */
async function untilPinged(pings: PingReceiver, calls: readonly TimedCall[]): Promise<void> {
  const isThere = ({ callUuid = '' }: TimedCall) => pings.arrivedAtMs(callUuid) !== undefined
  const deadlineMs = performance.now() + PINGS_MS_MAX
  while (!calls.every(isThere)) {
    if (performance.now() > deadlineMs) throw new Error('some calls were never pinged')
    await delay(POLL_MS)
  }
}

function delayFigures({ bridge, peer }: Timed, name: string, pings: PingReceiver): Figure[] {
  const ours = bridge.map(postDialDelayMs)
  const peers = peer.map(postDialDelayMs)
  const latenessMs = ({ callUuid = '', answeredAtMs = NaN }: TimedCall): number =>
    (pings.arrivedAtMs(callUuid) ?? Infinity) - answeredAtMs
  const inMs = { unit: 'ms', better: 'lower' } as const
  const dialled = (figure: string, share: number): Figure => ({
    ...inMs,
    bench: 'calls',
    figure,
    value: quantile(ours, share),
    peer: { name, value: quantile(peers, share) },
  })
  const late = (figure: string, share: number): Figure => ({
    ...inMs,
    bench: 'pings',
    figure,
    value: quantile(bridge.map(latenessMs), share),
    peer: { name: FROM_MEMORY, value: quantile(peer.map(latenessMs), share) },
  })
  return [
    dialled('post_dial_delay_p50', 0.5),
    dialled('post_dial_delay_p99', 0.99),
    late('lateness_p50', 0.5),
    late('lateness_p99', 0.99),
  ]
}

const postDialDelayMs = ({ invitedAtMs, reachedAtMs = Infinity }: TimedCall): number =>
  reachedAtMs - invitedAtMs
