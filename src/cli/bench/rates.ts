import { setTimeout as delay } from 'node:timers/promises'
import { holdPort } from '../../../sip-scenarios/ports.ts'
import type { Figure } from './figure.ts'
import { type PingReceiver, startPingReceiver } from './pings.ts'
import type { BenchOptions } from './registry.ts'
import { type Places, startBridgeSubject, startPeerSubject, type Subject } from './subject.ts'
import { findHighestRate, isRateCarried, startSippBuyer, untilCalm } from './throughput.ts'

const FIRST_RATE = 50
const RATE_MAX = 3_200
/** A rate at which pings fall behind is not carried. */
const PINGS_MS_MAX = 5_000
const POLL_MS = 20

/** The most calls a second that go through without a failure, pings included where there are some. */
export async function measureRates(options: BenchOptions): Promise<readonly Figure[]> {
  const pings = await startPingReceiver()
  const held = await holdPort('127.0.0.1')
  await held.release()
  const buyer = await startSippBuyer(held.port)
  const load = { places: { buyerPort: held.port, pingUrl: pings.url }, pings, options }
  try {
    const ours = await findRate(startBridgeSubject, load)
    const peer = await findRate(startPeerSubject, load)
    return [
      {
        bench: 'calls',
        figure: 'throughput',
        value: ours.value,
        unit: 'calls/s',
        peer,
        better: 'higher',
      },
    ]
  } finally {
    await buyer.close()
    await pings.close()
  }
}

interface Load {
  readonly places: Places
  readonly pings: PingReceiver
  readonly options: BenchOptions
}

async function findRate(
  start: (places: Places) => Promise<Subject>,
  { places, pings, options }: Load,
): Promise<{ readonly name: string; readonly value: number }> {
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
    const value = await findHighestRate({ first: FIRST_RATE, max: RATE_MAX, isCarried })
    return { name: subject.name, value }
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
