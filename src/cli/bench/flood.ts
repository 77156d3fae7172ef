import { type Figure, quantile } from './figure.ts'
import { startFlood } from './flood-source.ts'
import { startPingReceiver } from './pings.ts'
import type { Bench, BenchOptions } from './registry.ts'
import { openStopwatch, type Stopwatch, type TimedCall } from './stopwatch.ts'
import { startBridgeSubject, type Subject } from './subject.ts'

/** Calls a second of the trunk, and INVITEs a second of the stranger. */
const TRUNK_RATE = 50
const FLOOD_RATE = 2_000
const WARM_UP_SECONDS = 3
const TRUNKS = [{ id: 'carrier', allow: ['127.0.0.1'] }]

/** What a trunk notices of a stranger's flood: first without, then with it, on the same service. */
export const floodBench: Bench = {
  name: 'flood',
  about: `a trunk at ${TRUNK_RATE} calls/s beside a stranger at ${FLOOD_RATE} INVITEs/s, and the same without the stranger`,
  async run(options) {
    const pings = await startPingReceiver()
    const stopwatch = await openStopwatch()
    const places = { buyerPort: stopwatch.buyerPort, pingUrl: pings.url, trunks: TRUNKS }
    const subject = await startBridgeSubject(places)
    try {
      return await measure(stopwatch, subject, options)
    } finally {
      await subject.close()
      stopwatch.close()
      await pings.close()
    }
  },
}

async function measure(
  stopwatch: Stopwatch,
  subject: Subject,
  { seconds, progress }: BenchOptions,
): Promise<readonly Figure[]> {
  await stopwatch.run(subject, TRUNK_RATE, WARM_UP_SECONDS)
  progress(`flood: ${TRUNK_RATE} calls/s without, then with ${FLOOD_RATE} INVITEs/s of a stranger`)
  const quiet = await stopwatch.attempt(subject, TRUNK_RATE, seconds)
  const flood = await startFlood({ ...subject.sip, rate: FLOOD_RATE })
  const flooded = await stopwatch.attempt(subject, TRUNK_RATE, seconds)
  const { sent, answers } = await flood.stop()
  progress(`flood: ${sent} INVITEs of the stranger, answered ${JSON.stringify(answers)}`)
  return figuresOf(quiet, flooded)
}

function figuresOf(quiet: readonly TimedCall[], flooded: readonly TimedCall[]): Figure[] {
  const figure = (
    name: string,
    valueOf: (calls: readonly TimedCall[]) => number,
    rest: Pick<Figure, 'unit' | 'better'>,
  ): Figure => ({
    ...rest,
    bench: 'flood',
    figure: name,
    value: valueOf(flooded),
    peer: { name: 'without flood', value: valueOf(quiet) },
  })
  return [
    figure('calls_set_up', shareOver, { unit: '%', better: 'higher' }),
    figure('post_dial_p50', (calls) => delay(calls, 0.5), { unit: 'ms', better: 'lower' }),
    figure('post_dial_p99', (calls) => delay(calls, 0.99), { unit: 'ms', better: 'lower' }),
  ]
}

/** Answered, acknowledged and hung up, of a hundred. */
const shareOver = (calls: readonly TimedCall[]): number =>
  (100 * calls.filter(({ isOver }) => isOver).length) / calls.length

/** A call that never reached the buyer took for ever. */
const delay = (calls: readonly TimedCall[], share: number): number =>
  quantile(
    calls.map(({ invitedAtMs, reachedAtMs = Infinity }) => reachedAtMs - invitedAtMs),
    share,
  )
