import type { CallEnd } from '../flow/end-call.ts'
import type { LegFacts } from '../flow/leg-facts.ts'
import type { Call } from './live-call.ts'

/** How a call ended. */
export interface Ending extends Pick<
  CallEnd,
  'connectedMs' | 'hungUpBy' | 'endReason' | 'sipStatus' | 'leg'
> {
  /** On the monotonic clock. */
  readonly endedAtMs: number
}

/** The caller gave up before a buyer had answered. */
export const callerCancelled = (leg: LegFacts | undefined): Ending => ({
  connectedMs: undefined,
  hungUpBy: 'caller',
  endReason: 'caller_cancelled',
  sipStatus: 487,
  leg,
  endedAtMs: performance.now(),
})

/** The connection to the SIP server is gone; nobody can be told anything. */
export const serverLost = (leg: LegFacts): Ending => ({
  connectedMs: undefined,
  hungUpBy: 'bridge',
  endReason: 'bridge_lost',
  sipStatus: undefined,
  leg,
  endedAtMs: performance.now(),
})

/** Refuses the call with a final response. */
export function refuse(
  call: Call,
  status: number,
  endReason: string,
  leg: LegFacts | undefined,
): Ending {
  answerCaller(call, status)
  const endedAtMs = performance.now()
  return {
    connectedMs: undefined,
    hungUpBy: 'bridge',
    endReason,
    sipStatus: status,
    leg,
    endedAtMs,
  }
}

/** Sends the caller a final response, if it still waits for one. */
export function answerCaller({ response, isCancelled }: Call, status: number): void {
  if (!isCancelled && !response.finalResponseSent) response.send(status)
}
