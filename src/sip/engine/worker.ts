import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import type { EngineOptions, EngineStats } from './options.ts'
import { type Addresses, startStack } from './stack.ts'

/** What the engine's thread is asked. */
export type ToWorker = { readonly type: 'stats'; readonly id: number } | { readonly type: 'close' }

/** What the engine's thread answers. */
export type FromWorker =
  | { readonly type: 'started'; readonly addresses: Addresses }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'stats'; readonly id: number; readonly stats: EngineStats }
  | { readonly type: 'fault'; readonly error: unknown }

if (!isMainThread && parentPort) await run(parentPort, workerData as EngineOptions)

/** Runs the stack until it is told to close. */
async function run(port: NonNullable<typeof parentPort>, options: EngineOptions): Promise<void> {
  const tell = (message: FromWorker): void => {
    port.postMessage(message)
  }
  try {
    const { admin, close, sip, stats } = await startStack(options, (error) => {
      tell({ type: 'fault', error })
    })
    port.on('message', (message: ToWorker) => {
      if (message.type === 'stats') tell({ type: 'stats', id: message.id, stats: stats() })
      else
        void close().then(() => {
          port.close()
        })
    })
    tell({ type: 'started', addresses: { admin, sip } })
  } catch (error) {
    tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  }
}
