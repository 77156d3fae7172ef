import { setTimeout as delay } from 'node:timers/promises'
import { holdPort } from '../../../sip-scenarios/ports.ts'
import { requireSipp } from '../../../sip-scenarios/sipp.ts'
import { measureCpu } from './engine-cpu.ts'
import { engineFigure } from './engine-figure.ts'
import { measureMemory } from './engine-memory.ts'
import {
  attachDrachtio,
  letRest,
  type ServerSubject,
  startEngineSubject,
} from './engine-subject.ts'
import type { Figure } from './figure.ts'
import type { Bench, BenchOptions } from './registry.ts'
import { findHighestRate, isRateCarried, startSippBuyer } from './throughput.ts'

/** The embedded engine beside a drachtio-server, if there is one, with the same B2BUA on each. */
export const engineBench: Bench = {
  name: 'engine',
  about:
    'the embedded SIP engine: calls a second, CPU a call, memory a call that is up; beside a ' +
    'drachtio-server where --drachtio names one',
  async run(options) {
    requireSipp()
    const held = await holdPort('127.0.0.1')
    await held.release()
    const buyer = await startSippBuyer(held.port)
    const servers: ServerSubject[] = []
    try {
      servers.push(await startEngineSubject(held.port))
      if (options.drachtio) servers.push(await attachDrachtio(options.drachtio, held.port))
      else options.progress('no drachtio-server to compare with: name one with --drachtio')
      return await measure(servers, options)
    } finally {
      for (const server of servers) await server.close()
      await buyer.close()
    }
  },
}

/** Memory first: what a process has once taken for a load it may keep. */
async function measure(
  servers: readonly ServerSubject[],
  options: BenchOptions,
): Promise<readonly Figure[]> {
  const memory = await measureMemory(servers, options)
  const cpu = await measureCpu(servers, options)
  return [...(await measureThroughput(servers, options)), ...cpu, ...memory]
}

const FIRST_RATE = 200
const RATE_MAX = 6_400
/** Transactions of an overload are remembered for half a minute, and cost the next measurement something. */
const BREATH_MS = 2_000

async function measureThroughput(
  servers: readonly ServerSubject[],
  { progress, seconds }: BenchOptions,
): Promise<readonly Figure[]> {
  const rates: number[] = []
  for (const server of servers) {
    const tryRate = async (rate: number): Promise<boolean> => {
      const isGood = await isRateCarried(server, rate, seconds)
      progress(`${server.name}: ${rate} calls/s ${isGood ? 'carried' : 'not carried'}`)
      if (!isGood) await letRest(server, progress)
      await delay(BREATH_MS)
      return isGood
    }
    // Once may be chance: something else that the machine did just then.
    const isCarried = async (rate: number) => (await tryRate(rate)) || (await tryRate(rate))
    rates.push(await findHighestRate({ first: FIRST_RATE, max: RATE_MAX, isCarried }))
  }
  return [engineFigure(servers, rates, { figure: 'throughput', unit: 'calls/s', better: 'higher' })]
}
