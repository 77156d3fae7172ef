/** A delivery worker as a process of its own, to be stopped by a signal; sends what it logs to its parent. */
import { openDatabase } from '../../../src/db/pool.ts'
import { buildAddressPolicy } from '../../../src/delivery/address-policy.ts'
import { startDeliveryWorker } from '../../../src/delivery/worker.ts'

/** How it is started: as JSON, in its first argument. */
export interface WorkerProcessSettings {
  readonly connection: Parameters<typeof openDatabase>[0]['connection']
  readonly deadlineMs: number
  readonly leaseMs: number
}

if (import.meta.main) {
  const settings = JSON.parse(process.argv[2] ?? '{}') as WorkerProcessSettings
  const { connection, ...times } = settings
  process.once('disconnect', () => process.exit(0))
  startDeliveryWorker({
    database: openDatabase({ connection, max: 2 }),
    keys: () => 'key',
    policy: buildAddressPolicy(['127.0.0.0/8']),
    log: (event, fields) => process.send?.({ event, fields }),
    ...times,
  })
}
