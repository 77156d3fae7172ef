import { engineFigure } from './engine-figure.ts'
import type { ServerSubject } from './engine-subject.ts'
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
    const values = await cpuOfEach(servers, rate, options)
    const figure = rate === RATES[0] ? 'cpu_per_call' : `cpu_per_call_at_${rate}`
    figures.push(engineFigure(servers, values, { figure, unit: 'ms', better: 'lower' }))
  }
  return figures
}

async function cpuOfEach(
  servers: readonly ServerSubject[],
  rate: number,
  { progress, seconds }: BenchOptions,
): Promise<readonly number[]> {
  const used = servers.map(() => 0)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, server] of servers.entries()) {
      const before = await server.usage()
      const isCarried = await isRateCarried(server, rate, seconds)
      const cpuMs = (await server.usage()).cpuMs - before.cpuMs
      used[index] = (used[index] ?? 0) + cpuMs
      const each = (cpuMs / (rate * seconds)).toFixed(2)
      progress(
        `${server.name}: ${each} ms of CPU a call at ${rate} calls/s` +
          (isCarried ? '' : ', although not all went through in time'),
      )
    }
  }
  return used.map((cpuMs) => cpuMs / (rate * seconds * ROUNDS))
}
