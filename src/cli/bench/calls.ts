import { setTimeout as delay } from 'node:timers/promises'
import { holdPort } from '../../../sip-scenarios/ports.ts'
import { isSippInstalled } from '../../../sip-scenarios/sipp.ts'
import { AppError } from '../../domain/app-error.ts'
import { type Figure, quantile } from './figure.ts'
import { type PingReceiver, startPingReceiver } from './pings.ts'
import type { Bench, BenchOptions } from './registry.ts'
import { openStopwatch, type Stopwatch, type TimedCall } from './stopwatch.ts'
import { type Places, startBridgeSubject, startPeerSubject, type Subject } from './subject.ts'
import { findHighestRate, isRateCarried, startSippBuyer, untilCalm } from './throughput.ts'

/** Calls a second that the delays are measured at. */
const STEADY_RATE = 50
const WARM_UP_SECONDS = 1
const FIRST_RATE = 50
const RATE_MAX = 3_200
/** A rate at which pings fall behind is not carried. */
const PINGS_MS_MAX = 5_000
const POLL_MS = 20

/** Whole calls: how many, how quickly they reach the buyer, and how soon the ping follows the answer. */
export const callsBench: Bench = {
  name: 'calls',
  about:
    'calls a second, delay added to dialling, answer to ping; beside a bare drachtio-srf B2BUA',
  async run(options) {
    requireSipp()
    const delays = await measureDelays(options)
    const rates = await measureRates(options)
    return [...rates, ...delays]
  },
}

function requireSipp(): void {
  if (isSippInstalled()) return
  throw new AppError(
    'missing_program',
    'The calls bench needs SIPp, which is not on PATH: install it with "apt-get install ' +
      'sip-tester" (Debian, Ubuntu), "brew install sipp" (macOS), or from your system\'s packages.',
  )
}

type StartSubject = (places: Places) => Promise<Subject>

async function measureDelays(options: BenchOptions): Promise<readonly Figure[]> {
  const pings = await startPingReceiver()
  const stopwatch = await openStopwatch()
  try {
    const ours = await timeCalls(startBridgeSubject, { stopwatch, pings, options })
    const peers = await timeCalls(startPeerSubject, { stopwatch, pings, options })
    return delayFigures(ours, peers, pings)
  } finally {
    stopwatch.close()
    await pings.close()
  }
}

interface Timed {
  readonly name: string
  readonly calls: readonly TimedCall[]
}

interface Timing {
  readonly stopwatch: Stopwatch
  readonly pings: PingReceiver
  readonly options: BenchOptions
}

async function timeCalls(
  start: StartSubject,
  { stopwatch, pings, options }: Timing,
): Promise<Timed> {
  const subject = await start({ buyerPort: stopwatch.buyerPort, pingUrl: pings.url })
  try {
    options.progress(`${subject.name}: delays at ${STEADY_RATE} calls/s`)
    await stopwatch.run(subject, STEADY_RATE, WARM_UP_SECONDS)
    const calls = await stopwatch.run(subject, STEADY_RATE, options.seconds)
    if (subject.isPinging) await untilPinged(pings, calls)
    return { name: subject.name, calls }
  } finally {
    await subject.close()
  }
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

function delayFigures(ours: Timed, peers: Timed, pings: PingReceiver): readonly Figure[] {
  const dialled = (share: number) => ({
    bench: 'calls',
    figure: `post_dial_delay_p${share * 100}`,
    value: quantile(ours.calls.map(postDialDelayMs), share),
    unit: 'ms',
    peer: { name: peers.name, value: quantile(peers.calls.map(postDialDelayMs), share) },
    better: 'lower' as const,
  })
  const lateness = ours.calls.map(({ callUuid = '', answeredAtMs = NaN }) => {
    return (pings.arrivedAtMs(callUuid) ?? Infinity) - answeredAtMs
  })
  const value = quantile(lateness, 0.99)
  const late = {
    bench: 'pings',
    figure: 'lateness_p99',
    value,
    unit: 'ms',
    better: 'lower',
  } as const
  return [dialled(0.5), dialled(0.99), late]
}

const postDialDelayMs = ({ invitedAtMs, reachedAtMs = Infinity }: TimedCall): number =>
  reachedAtMs - invitedAtMs

async function measureRates(options: BenchOptions): Promise<readonly Figure[]> {
  const pings = await startPingReceiver()
  const held = await holdPort('127.0.0.1')
  await held.release()
  const buyer = await startSippBuyer(held.port)
  const places = { buyerPort: held.port, pingUrl: pings.url }
  try {
    const ours = await findRate(startBridgeSubject, { places, options, pings })
    const peers = await findRate(startPeerSubject, { places, options, pings })
    return [
      {
        bench: 'calls',
        figure: 'throughput',
        value: ours.rate,
        unit: 'calls/s',
        peer: { name: peers.name, value: peers.rate },
        better: 'higher',
      },
    ]
  } finally {
    await buyer.close()
    await pings.close()
  }
}

async function findRate(
  start: StartSubject,
  { places, options, pings }: { places: Places; options: BenchOptions; pings: PingReceiver },
): Promise<{ readonly name: string; readonly rate: number }> {
  const subject = await start(places)
  const { seconds, progress } = options
  const isCarried = async (rate: number): Promise<boolean> => {
    const before = pings.count()
    const isGood =
      (await isRateCarried(subject, rate, seconds)) &&
      (!subject.isPinging || (await arePinged(pings, before + rate * seconds)))
    progress(`${subject.name}: ${rate} calls/s ${isGood ? 'carried' : 'not carried'}`)
    if (!isGood) await untilCalm(subject)
    return isGood
  }
  try {
    const rate = await findHighestRate({ first: FIRST_RATE, max: RATE_MAX, isCarried })
    return { name: subject.name, rate }
  } finally {
    await subject.close()
  }
}

async function arePinged(pings: PingReceiver, count: number): Promise<boolean> {
  const deadlineMs = performance.now() + PINGS_MS_MAX
  while (pings.count() < count) {
    if (performance.now() > deadlineMs) return false
    await delay(POLL_MS)
  }
  return true
}
