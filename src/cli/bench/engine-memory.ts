import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { holdPort } from '../../../sip-scenarios/ports.ts'
import { requireSipp } from '../../../sip-scenarios/sipp.ts'
import { engineFigure } from './engine-figure.ts'
import { type ServerSubject, type ServerUsage, startEngineSubject } from './engine-subject.ts'
import type { Figure } from './figure.ts'
import type { Bench, BenchOptions } from './registry.ts'
import { isRateCarried, startSippBuyer, untilCalm } from './throughput.ts'

const KILOBYTE = 1_024
/** Calls that are set up twice, each with a dialog on either side. */
const PAIRS = 3_000
const RATE = 200
const RAMP_MS = (PAIRS / RATE) * 1_000
/** Until the transactions of the last call are forgotten: 64·T1, and a little. */
const FORGET_MS = 34_000
const STEP_MS = RAMP_MS + FORGET_MS
const MARGIN_MS = 6_000

/**
 * What a server takes for one more call that is up. The first calls are not counted: what their
 * transactions have taken a process keeps, and uses for those of the calls that are.
 */
export async function measureMemory(
  servers: readonly ServerSubject[],
  { progress }: BenchOptions,
): Promise<readonly Figure[]> {
  const grown: { readonly rss: number; readonly heap: number | undefined }[] = []
  for (const server of servers) {
    progress(`${server.name}: ${2 * PAIRS} calls are set up and held`)
    const first = holdCalls(server, 2 * STEP_MS)
    await delay(STEP_MS)
    const before = await server.usage()
    const second = holdCalls(server, STEP_MS)
    await delay(STEP_MS)
    grown.push(growth(before, await server.usage()))
    await Promise.all([first, second])
  }
  const kilobytes = { unit: 'kB', better: 'lower' } as const
  const resident = grown.map(({ rss }) => rss)
  const heap = grown.flatMap((each) => (each.heap === undefined ? [] : [each.heap]))
  return [
    engineFigure(servers, resident, { figure: 'memory_per_dialog', ...kilobytes }),
    engineFigure([], heap, { figure: 'heap_per_dialog', ...kilobytes }),
  ]
}

/** For each pair of dialogs, in kB. */
function growth(before: ServerUsage, after: ServerUsage) {
  const each = (bytes: number): number => bytes / PAIRS / KILOBYTE
  const { heapBytes } = after
  return {
    rss: each(after.rssBytes - before.rssBytes),
    heap: heapBytes === undefined ? undefined : each(heapBytes - (before.heapBytes ?? 0)),
  }
}

/** @throws Error if one of the calls fails: what was measured was less than it should have been */
async function holdCalls({ name, sip }: ServerSubject, holdMs: number): Promise<void> {
  const load = { '-r': RATE, '-m': PAIRS, '-l': PAIRS, '-d': holdMs + MARGIN_MS }
  const args = ['-sn', 'uac', '-i', '127.0.0.1', '-nostdin']
  const options = Object.entries(load).flatMap(([option, value]) => [option, String(value)])
  const child = spawn('sipp', [...args, ...options, `${sip.host}:${sip.port}`], { stdio: 'ignore' })
  const [exitCode] = (await once(child, 'exit')) as [number | null]
  if (exitCode !== 0) throw new Error(`${name}: some of the calls that were held have failed`)
}

const FLAT_CALLS = 100_000
const FLAT_RATE = 400
const FLAT_WARM_UP_CALLS = 4_000
/** Portions that are not carried count for nothing and are made again. */
const PORTION_SECONDS = 10
const FAILURES_MAX = 5

/** Whether the engine keeps anything of calls that are over. */
export const engineMemoryBench: Bench = {
  name: 'engine-memory',
  about: `heap of the embedded SIP engine that ${FLAT_CALLS} calls leave behind; takes six minutes`,
  async run({ progress }) {
    requireSipp()
    const held = await holdPort('127.0.0.1')
    await held.release()
    const buyer = await startSippBuyer(held.port)
    const server = await startEngineSubject(held.port)
    try {
      const before = await heapAfter(server, FLAT_WARM_UP_CALLS)
      progress(`engine: ${megabytes(before)} MB of heap before ${FLAT_CALLS} calls`)
      const after = await heapAfter(server, FLAT_CALLS)
      progress(`engine: ${megabytes(after)} MB after`)
      const value = (after - before) / FLAT_CALLS
      return [
        engineFigure([], [value], { figure: 'memory_flat', unit: 'bytes/call', better: 'lower' }),
      ]
    } finally {
      await server.close()
      await buyer.close()
    }
  },
}

/**
 * The heap once at least so many calls have been made and forgotten.
 * @throws Error if the machine is too busy for them
 */
async function heapAfter(server: ServerSubject, calls: number): Promise<number> {
  let made = 0
  let failures = 0
  while (made < calls) {
    if (await isRateCarried(server, FLAT_RATE, PORTION_SECONDS)) made += FLAT_RATE * PORTION_SECONDS
    else {
      failures += 1
      if (failures > FAILURES_MAX) throw new Error(`${FLAT_RATE} calls/s were too many`)
      await untilCalm(server)
    }
  }
  await delay(FORGET_MS)
  return (await server.usage()).heapBytes ?? 0
}

const megabytes = (bytes: number): string => (bytes / KILOBYTE ** 2).toFixed(1)
