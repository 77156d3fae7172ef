import { callsBench } from './calls.ts'
import { deliveryBench } from './delivery.ts'
import { engineMemoryBench } from './engine-memory.ts'
import type { DrachtioPlace } from './engine-subject.ts'
import { engineBench } from './engine.ts'
import type { Figure } from './figure.ts'
import { floodBench } from './flood.ts'
import { routingBench } from './routing.ts'
import { rehearseBench, verifyBench } from './settlement-ledger.ts'
import { settleBench } from './settlement-timeouts.ts'
import { setValueBench } from './settlement.ts'

/** What a bench is given. */
export interface BenchOptions {
  /** How long one measurement lasts. */
  readonly seconds: number
  /** Tells the person who waits how far it is. */
  readonly progress: (text: string) => void
  /** A drachtio-server that is there to be compared with; it is left running. */
  readonly drachtio?: DrachtioPlace
}

/** Something that is measured, always beside a peer in the same run. */
export interface Bench {
  readonly name: string
  readonly about: string
  readonly run: (options: BenchOptions) => Promise<readonly Figure[]>
}

/** Every bench, in the order in which they run. */
export const BENCHES: readonly Bench[] = [
  callsBench,
  routingBench,
  floodBench,
  engineBench,
  engineMemoryBench,
  deliveryBench,
  setValueBench,
  settleBench,
  rehearseBench,
  verifyBench,
]
