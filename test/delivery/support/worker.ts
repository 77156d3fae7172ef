import { onTestFinished } from 'vitest'
import type { Database } from '../../../src/db/queryable.ts'
import { buildAddressPolicy } from '../../../src/delivery/address-policy.ts'
import type { AttemptedDelivery } from '../../../src/delivery/send.ts'
import {
  type DeliveryWorker,
  type DeliveryWorkerOptions,
  startDeliveryWorker,
} from '../../../src/delivery/worker.ts'

/** What every key of the worker begins with. */
export const KEY = 'k1SecretOfThisLeg'

/** A worker and what it has said. */
export interface Harness extends DeliveryWorker {
  readonly lines: { event: string; fields: object }[]
  readonly attempted: AttemptedDelivery[]
}

/** A worker that may reach loopback; it only polls where the test says so. */
export function startWorker(
  database: Database,
  options: Partial<DeliveryWorkerOptions> = {},
): Harness {
  const lines: Harness['lines'] = []
  const attempted: AttemptedDelivery[] = []
  const worker = startDeliveryWorker({
    database,
    keys: (callUuid, leg) => `${KEY}${leg}${callUuid.slice(0, 4)}`,
    policy: buildAddressPolicy(['127.0.0.0/8']),
    log: (event, fields) => lines.push({ event, fields }),
    onMetrics: (fields) => attempted.push(fields),
    random: () => 0.5,
    pollMs: 3_600_000,
    ...options,
  })
  onTestFinished(() => worker.close())
  return { ...worker, lines, attempted }
}
