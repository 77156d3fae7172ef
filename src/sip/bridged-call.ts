import type { CallFacts, HungUpBy } from '../domain/call.ts'
import type { Buyer } from '../domain/campaign.ts'
import { abandon } from './dial.ts'
import { callerCancelled, type Ending } from './ending.ts'
import { passReason, reasonHeader } from './headers.ts'
import type { LegClock } from './leg-clock.ts'
import type { Call } from './live-call.ts'
import { type Bridge, connectDialogs, relayRequests } from './relay.ts'
import type { Answer } from './srf.ts'

/** A buyer who has answered. */
export interface Answered {
  readonly facts: CallFacts
  readonly buyer: Buyer
  readonly answer: Answer
  readonly clock: LegClock
}

/** Connects caller and buyer, and waits until one of them, or we, hang up. */
export async function bridge(
  call: Call,
  { facts, buyer, answer, clock }: Answered,
): Promise<Ending> {
  clock.answered()
  const { deps, request, response } = call
  const bridged = call.isCancelled
    ? undefined
    : await connectDialogs(deps.client, request, response, answer)
  if (!bridged) {
    abandon(answer, reasonHeader(487, 'Caller is gone'))
    return callerCancelled(clock.ended({ sipStatus: 487, fault: 'caller', reason: 'cancelled' }))
  }
  relayRequests(bridged)
  const rules = call.admitted.found.campaign
  const stored = deps.flow.bridgeCall({ facts, rules, buyerId: buyer.buyerId, leg: clock.now() })
  const { hungUpBy, endReason } = await untilEnd(call, bridged)
  const endedAtMs = performance.now()
  const connectedMs = endedAtMs - clock.answeredAtMs()
  await stored
  const leg = { ...clock.ended({ sipStatus: 200 }), endedAgoMs: performance.now() - endedAtMs }
  return { hungUpBy, endReason, connectedMs, sipStatus: 200, leg, endedAtMs }
}

/** Waits until either side hangs up, or we do, and hangs up the rest. */
async function untilEnd(
  { deps, hungUp }: Call,
  { caller, buyer }: Bridge,
): Promise<{ hungUpBy: HungUpBy; endReason: string }> {
  const tooLong = Promise.withResolvers<string>()
  const timer = setTimeout(() => tooLong.resolve('max_duration'), deps.callMsMax)
  const first = await Promise.race([
    caller.ended.then((end) => ({ ...end, who: 'caller' }) as const),
    buyer.ended.then((end) => ({ ...end, who: 'buyer' }) as const),
    Promise.race([hungUp, tooLong.promise]).then(
      (reason) => ({ by: 'us', reason, who: 'bridge' }) as const,
    ),
  ])
  clearTimeout(timer)
  const headers =
    first.who === 'bridge' ? reasonHeader(200, first.reason) : passReason(first.reason)
  caller.hangUp(headers)
  buyer.hangUp(headers)
  if (first.by === 'server') return { hungUpBy: 'bridge', endReason: 'bridge_lost' }
  if (first.who === 'bridge') return { hungUpBy: 'bridge', endReason: first.reason }
  return { hungUpBy: first.who, endReason: `${first.who}_hung_up` }
}
