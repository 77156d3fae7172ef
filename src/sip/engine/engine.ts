import assert from 'node:assert/strict'
import { Worker } from 'node:worker_threads'
import type { CertificateFacts, EngineOptions, EngineStats } from './options.ts'
import type { Addresses } from './stack.ts'
import type { FromWorker, Reloaded, ToWorker } from './worker.ts'

export type {
  CertificateFacts,
  EngineLimits,
  EngineOptions,
  EngineStats,
  GuardOptions,
  SipAddress,
  TlsFiles,
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
  /**
   * Reads the certificate of TLS, its key and the authorities again; connections stay up. Gives what is in
   * use now: undefined without TLS.
   * @throws an Error of one sentence if they cannot be used; then those read before hold
   */
  readonly reloadCertificate: () => Promise<CertificateFacts | undefined>
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
 * @param onWarning told in one sentence of what an operator can mend, such as a certificate refused
 * @throws an Error of one sentence if an address cannot be listened on or a certificate not be used
 */
export async function startEngine(
  options: EngineOptions,
  onFault: (error: unknown) => void = () => undefined,
  onWarning: (sentence: string) => void = () => undefined,
): Promise<Engine> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'sip-engine',
    workerData: options,
    // Transactions live for seconds: a larger nursery spares copying them again and again.
    resourceLimits: { maxYoungGenerationSizeMb: 64, maxOldGenerationSizeMb: 4_096 },
  })
  const exited = whenExited(worker)
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'fault') onFault(message.error)
    else if (message.type === 'warning') onWarning(message.sentence)
  })
  const started = await whenStarted(worker)
  if (started === undefined)
    throw (await exited) ?? new Error('The SIP engine ended while it was starting.')
  if (started.type === 'failed') {
    await worker.terminate()
    throw new Error(started.message)
  }
  const questions = createQuestions(worker, exited)
  return {
    ...started.addresses,
    exited,
    stats: questions.stats,
    setExempt: (ranges) => {
      tell(worker, { type: 'exempt', ranges })
    },
    reloadCertificate: async () => {
      const result = await questions.reload()
      if ('problem' in result) throw new Error(result.problem)
      return result.certificate
    },
    close: async () => {
      tell(worker, { type: 'close' })
      await exited
    },
  }
}

type Start = Extract<FromWorker, { readonly type: 'started' | 'failed' }>

/**
 * What has come of the start; undefined if the thread ends without a word. Under `node --watch` a thread
 * also says which files it has loaded.
 */
function whenStarted(worker: Worker): Promise<Start | undefined> {
  const { promise, resolve } = Promise.withResolvers<Start | undefined>()
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'started' || message.type === 'failed') resolve(message)
  })
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

interface Questions {
  readonly stats: () => Promise<EngineStats>
  readonly reload: () => Promise<Reloaded>
}

/** Asks the thread and waits for the answer with the same number. */
function createQuestions(worker: Worker, exited: Promise<Error | undefined>): Questions {
  let lastId = 0
  const waiting = new Map<number, (message: FromWorker) => void>()
  worker.on('message', (message: FromWorker) => {
    if (!('id' in message)) return
    waiting.get(message.id)?.(message)
    waiting.delete(message.id)
  })
  const ask = async (type: 'stats' | 'reload_certificate'): Promise<FromWorker> => {
    lastId++
    const { promise, resolve } = Promise.withResolvers<FromWorker>()
    waiting.set(lastId, resolve)
    tell(worker, { type, id: lastId })
    const answer = await Promise.race([promise, exited])
    if (answer === undefined || answer instanceof Error)
      throw new Error('The SIP engine has ended.', { cause: answer })
    return answer
  }
  return {
    stats: async () => {
      const answer = await ask('stats')
      assert(answer.type === 'stats')
      return answer.stats
    },
    reload: async () => {
      const answer = await ask('reload_certificate')
      assert(answer.type === 'reloaded')
      return answer.result
    },
  }
}

function tell(worker: Worker, message: ToWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  worker.postMessage(message)
}
