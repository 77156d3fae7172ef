import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import type { CertificateFacts, EngineOptions, EngineStats } from './options.ts'
import { type Addresses, type Stack, startStack } from './stack.ts'

/** What the engine's thread is asked. */
export type ToWorker =
  | { readonly type: 'stats'; readonly id: number }
  | { readonly type: 'exempt'; readonly ranges: readonly string[] }
  | { readonly type: 'reload_certificate'; readonly id: number }
  | { readonly type: 'close' }

/** What the engine's thread answers. */
export type FromWorker =
  | { readonly type: 'started'; readonly addresses: Addresses }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'stats'; readonly id: number; readonly stats: EngineStats }
  | { readonly type: 'reloaded'; readonly id: number; readonly result: Reloaded }
  | { readonly type: 'warning'; readonly sentence: string }
  | { readonly type: 'fault'; readonly error: unknown }

/** How reading the certificate again went; undefined without TLS. */
export type Reloaded =
  { readonly certificate: CertificateFacts | undefined } | { readonly problem: string }

if (!isMainThread && parentPort) await run(parentPort, workerData as EngineOptions)

/** Runs the stack until it is told to close. */
async function run(port: NonNullable<typeof parentPort>, options: EngineOptions): Promise<void> {
  const tell = (message: FromWorker): void => {
    port.postMessage(message)
  }
  try {
    const stack = await startStack(options, {
      onFault: (error) => {
        tell({ type: 'fault', error })
      },
      onWarning: (sentence) => {
        tell({ type: 'warning', sentence })
      },
    })
    port.on('message', (message: ToWorker) => {
      obey(message, stack, tell, () => {
        port.close()
      })
    })
    const { admin, certificate, sip } = stack
    tell({ type: 'started', addresses: { admin, certificate, sip } })
  } catch (error) {
    tell({ type: 'failed', message: sentenceOf(error) })
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function reload(stack: Stack): Reloaded {
  try {
    return { certificate: stack.reloadCertificate() }
  } catch (error) {
    return { problem: sentenceOf(error) }
  }
}

function obey(
  message: ToWorker,
  stack: Stack,
  tell: (message: FromWorker) => void,
  onClosed: () => void,
): void {
  switch (message.type) {
    case 'stats':
      tell({ type: 'stats', id: message.id, stats: stack.stats() })
      break
    case 'exempt':
      stack.setExempt(message.ranges)
      break
    case 'reload_certificate':
      tell({ type: 'reloaded', id: message.id, result: reload(stack) })
      break
    case 'close':
      void stack.close().then(onClosed)
  }
}
