import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import type { EngineOptions, EngineStats } from './options.ts'
import { type Addresses, type Stack, startStack } from './stack.ts'

/** What the engine's thread is asked. */
export type ToWorker =
  | { readonly type: 'stats'; readonly id: number }
  | { readonly type: 'exempt'; readonly ranges: readonly string[] }
  | { readonly type: 'close' }

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
    const stack = await startStack(options, (error) => {
      tell({ type: 'fault', error })
    })
    port.on('message', (message: ToWorker) => {
      obey(message, stack, tell, () => {
        port.close()
      })
    })
    const { admin, sip } = stack
    tell({ type: 'started', addresses: { admin, sip } })
  } catch (error) {
    tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
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
    case 'close':
      void stack.close().then(onClosed)
  }
}
