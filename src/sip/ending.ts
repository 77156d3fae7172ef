import type { HungUpBy } from '../domain/call.ts'
import type { CallEnd } from '../flow/end-call.ts'
import type { LegFacts } from '../flow/leg-facts.ts'
import type { Call } from './live-call.ts'

/** How a call ended. */
export interface Ending extends Pick<
  CallEnd,
  'connectedMs' | 'hungUpBy' | 'endReason' | 'sipStatus' | 'legs' | 'endedAtMs'
> {
  /** Settles when it is stored that a buyer had the call, which comes before the end. */
  readonly bridged?: Promise<void> | undefined
}

/** The caller gave up before a buyer had answered. */
export const callerCancelled = (legs: readonly LegFacts[]): Ending => ({
  connectedMs: undefined,
  hungUpBy: 'caller',
  endReason: 'caller_cancelled',
  sipStatus: 487,
  legs,
  endedAtMs: performance.now(),
})

/** The connection to the SIP server is gone; nobody can be told anything. */
export const serverLost = (legs: readonly LegFacts[]): Ending => ({
  connectedMs: undefined,
  hungUpBy: 'bridge',
  endReason: 'bridge_lost',
  sipStatus: undefined,
  legs,
  endedAtMs: performance.now(),
})

/** The caller had heard our 200 and never talked to anybody. */
export const hungUp = (
  hungUpBy: HungUpBy,
  endReason: string,
  legs: readonly LegFacts[],
): Ending => ({
  connectedMs: undefined,
  hungUpBy,
  endReason,
  sipStatus: 200,
  legs,
  endedAtMs: performance.now(),
})

/** Refuses the call with a final response, unless the caller has given up by now or has had one. */
export function refuse(
  call: Call,
  status: number,
  endReason: string,
  legs: readonly LegFacts[],
): Ending {
  if (call.isCancelled) return callerCancelled(legs)
  if (call.response.finalResponseSent) return hungUp('bridge', endReason, legs)
  answerCaller(call, status)
  const endedAtMs = performance.now()
  return {
    connectedMs: undefined,
    hungUpBy: 'bridge',
    endReason,
    sipStatus: status,
    legs,
    endedAtMs,
  }
}

function answerCaller({ deps, request, response }: Call, status: number): void {
  deps.memory.end(request, status)
  response.send(status)
}
