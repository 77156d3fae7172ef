import { engineFigure } from './engine-figure.ts'
import { letRest, type ServerSubject } from './engine-subject.ts'
import type { Figure } from './figure.ts'
import type { BenchOptions } from './registry.ts'
import { isRateCarried } from './throughput.ts'

/** A moderate load, where each packet wakes the server by itself, and a high one, where many come at once. */
const RATES = [200, 500] as const
const WARM_UP_SECONDS = 3
/** In turn, so that what else the machine does falls on all alike. */
const ROUNDS = 2

/** CPU that the server's process uses for one call, the application's not included. */
export async function measureCpu(
  servers: readonly ServerSubject[],
  options: BenchOptions,
): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const server of servers) await isRateCarried(server, RATES[0], WARM_UP_SECONDS)
  for (const rate of RATES) {
    const rounds: (readonly number[])[] = []
    for (let round = 0; round < ROUNDS; round++)
      rounds.push(await cpuOfEach(servers, rate, options))
    const values = servers.map((_, index) => mean(rounds.map((round) => round[index] ?? NaN)))
    const name = rate === RATES[0] ? 'cpu_per_call' : `cpu_per_call_at_${rate}`
    const figure = { figure: name, unit: 'ms', better: 'lower' } as const
    // What a server uses that does not do its work says nothing.
    if (values.every(Number.isFinite)) figures.push(engineFigure(servers, values, figure))
    else options.progress(`${name} is left out: ${rate} calls/s were too many`)
  }
  return figures
}

/** For one call, in ms; NaN where not every call went through in time, at a second attempt either. */
async function cpuOfEach(
  servers: readonly ServerSubject[],
  rate: number,
  options: BenchOptions,
): Promise<readonly number[]> {
  const used: number[] = []
  for (const server of servers) {
    let cpuMs = await cpuOf(server, rate, options)
    if (Number.isNaN(cpuMs)) {
      await letRest(server, options.progress)
      cpuMs = await cpuOf(server, rate, options)
    }
    used.push(cpuMs)
  }
  return used
}

async function cpuOf(
  server: ServerSubject,
  rate: number,
  { progress, seconds }: BenchOptions,
): Promise<number> {
  const before = await server.usage()
  const isCarried = await isRateCarried(server, rate, seconds)
  const cpuMs = ((await server.usage()).cpuMs - before.cpuMs) / (rate * seconds)
  progress(
    `${server.name}: ${cpuMs.toFixed(2)} ms of CPU a call at ${rate} calls/s` +
      (isCarried ? '' : ', but not all went through in time'),
  )
  return isCarried ? cpuMs : NaN
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
