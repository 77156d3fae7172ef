import { Worker } from 'node:worker_threads'
import type { EngineOptions, EngineStats } from './options.ts'
import type { Addresses } from './stack.ts'
import type { FromWorker, ToWorker } from './worker.ts'

export type {
  EngineLimits,
  EngineOptions,
  EngineStats,
  GuardOptions,
  SipAddress,
} from './options.ts'

/** A running engine: it speaks drachtio's control protocol on `admin` and SIP on `sip`. */
export interface Engine extends Addresses {
  /** Sizes of every table, and counters. */
  readonly stats: () => Promise<EngineStats>
  /**
   * Lifts the limit of requests for these addresses and CIDR ranges, and for none of those given before. A
   * range that cannot be read is told to `onFault`, and nothing changes.
   */
  readonly setExempt: (ranges: readonly string[]) => void
  /** Ends it without a word to anybody: hang up or drain the calls first. */
  readonly close: () => Promise<void>
  /**
   * Settles when the engine has ended: with undefined after `close`, else with the error that ended
   * it. It never rejects.
   */
  readonly exited: Promise<Error | undefined>
}

/**
 * Starts an engine in a thread of its own, so that a busy application cannot delay its timers. It
 * stands in for drachtio-server towards an unmodified drachtio-srf.
 *
 * @param onFault told of every error inside the engine that it survived, to be logged
 * @throws an Error of one sentence if an address cannot be listened on
 */
export async function startEngine(
  options: EngineOptions,
  onFault: (error: unknown) => void = () => undefined,
): Promise<Engine> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'sip-engine',
    workerData: options,
    // Transactions live for seconds: a larger nursery spares copying them again and again.
    resourceLimits: { maxYoungGenerationSizeMb: 64, maxOldGenerationSizeMb: 4_096 },
  })
  const exited = whenExited(worker)
  const started = await firstMessage(worker)
  if (started === undefined)
    throw (await exited) ?? new Error('The SIP engine ended while it was starting.')
  if (started.type === 'failed') {
    await worker.terminate()
    throw new Error(started.message)
  }
  if (started.type !== 'started') throw new Error('The SIP engine began with something else.')
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'fault') onFault(message.error)
  })
  const questions = createQuestions(worker, exited)
  return {
    ...started.addresses,
    exited,
    stats: questions.stats,
    setExempt: (ranges) => {
      tell(worker, { type: 'exempt', ranges })
    },
    close: async () => {
      tell(worker, { type: 'close' })
      await exited
    },
  }
}

/** What the thread says first; undefined if it ends without a word. */
function firstMessage(worker: Worker): Promise<FromWorker | undefined> {
  const { promise, resolve } = Promise.withResolvers<FromWorker | undefined>()
  worker.once('message', resolve)
  worker.once('exit', () => {
    resolve(undefined)
  })
  return promise
}

function whenExited(worker: Worker): Promise<Error | undefined> {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>()
  worker.on('error', (cause) => {
    resolve(new Error('The SIP engine has crashed.', { cause }))
  })
  worker.on('exit', (code) => {
    resolve(code === 0 ? undefined : new Error(`The SIP engine has ended with code ${code}.`))
  })
  return promise
}

function createQuestions(
  worker: Worker,
  exited: Promise<Error | undefined>,
): { readonly stats: () => Promise<EngineStats> } {
  let lastId = 0
  const waiting = new Map<number, (stats: EngineStats) => void>()
  worker.on('message', (message: FromWorker) => {
    if (message.type !== 'stats') return
    waiting.get(message.id)?.(message.stats)
    waiting.delete(message.id)
  })
  const stats = async (): Promise<EngineStats> => {
    lastId++
    const { promise, resolve } = Promise.withResolvers<EngineStats>()
    waiting.set(lastId, resolve)
    tell(worker, { type: 'stats', id: lastId })
    const answer = await Promise.race([promise, exited])
    if (answer === undefined || answer instanceof Error)
      throw new Error('The SIP engine has ended.', { cause: answer })
    return answer
  }
  return { stats }
}

function tell(worker: Worker, message: ToWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  worker.postMessage(message)
}
