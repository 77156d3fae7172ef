/**
 * The embedded engine alone in a process, in its main thread, so that what it uses can be told from what
 * others use. Whoever starts it asks it for samples.
 */
import type { EngineOptions, EngineStats } from '../../sip/engine/options.ts'
import { type Addresses, startStack } from '../../sip/engine/stack.ts'

/** What the process says when it is ready. */
export type EngineReady = Pick<Addresses, 'admin' | 'sip'>

/** What the process is asked. */
export interface SampleRequest {
  readonly id: number
  /** Whether everything that is not needed is to be collected first. */
  readonly collect: boolean
}

/** What the engine holds and has used. */
export interface EngineSample extends EngineStats {
  readonly id: number
  readonly heapBytes: number
  readonly rssBytes: number
  /** Since the process was started, by all of its threads. */
  readonly cpuMs: number
  /** The first error that the engine survived and nobody foresaw. */
  readonly firstFault: string | undefined
}

async function runEngine(options: EngineOptions): Promise<void> {
  let firstFault: string | undefined
  const onFault = (error: unknown): void => {
    firstFault ??= error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  const stack = await startStack(options, { onFault })
  process.on('message', ({ id, collect }: SampleRequest) => {
    const sample: EngineSample = { id, ...stack.stats(), ...usage(collect), firstFault }
    process.send?.(sample)
  })
  const ready: EngineReady = { admin: stack.admin, sip: stack.sip }
  process.send?.(ready)
}

function usage(collect: boolean): Pick<EngineSample, 'heapBytes' | 'rssBytes' | 'cpuMs'> {
  const { user, system } = process.cpuUsage()
  if (collect) globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heapBytes: heapUsed + external, rssBytes: rss, cpuMs: (user + system) / 1_000 }
}

if (import.meta.main) {
  // Without whoever has started it, it would run for ever.
  process.once('disconnect', () => process.exit(1))
  await runEngine(JSON.parse(process.argv[2] ?? '{}') as EngineOptions)
}
