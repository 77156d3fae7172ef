import type { ApiCall, ApiDelivery, ApiSettlement, PostbackAnswer } from './api.ts'
import { buyerPlace, type Plan } from './plan.ts'
import type { ReceivedRequest } from './receiver.ts'
import type { Expected, ExpectedCall, ExpectedTraces } from './scenario.ts'

/** A call as all sides saw it. */
export interface SeenCall {
  readonly call: ApiCall
  readonly settlements: readonly ApiSettlement[]
  readonly deliveries: readonly ApiDelivery[]
}

/** What a buyer's phone read in an INVITE. */
export interface SeenInvite {
  /** Its place among the scenario's buyers, counted from 1. */
  readonly buyer: number
  /** As it was written in the header. */
  readonly callUuid: string
  readonly callKey: string
}

/** Everything that a scenario left behind. */
export interface Seen {
  readonly plan: Pick<Plan, 'scenario' | 'campaignId' | 'caller'>
  readonly calls: readonly SeenCall[]
  readonly invites: readonly SeenInvite[]
  readonly requests: readonly ReceivedRequest[]
  readonly answers: readonly PostbackAnswer[]
}

/** What is not as it should be, a sentence each; empty if the scenario has passed. */
export function judge(seen: Seen): readonly string[] {
  return [
    ...judgeCalls(seen),
    ...judgeInvites(seen),
    ...judgeRequests(seen),
    ...differences(
      'postback answers',
      (seen.plan.scenario.postbacks ?? []).map(({ answer }) => answer),
      seen.answers.map(({ httpStatus, status, reason }) => `${httpStatus} ${status} ${reason}`),
    ),
  ]
}

function judgeCalls({ plan, calls }: Seen): readonly string[] {
  const { scenario } = plan
  const { call: expected } = scenario.expected
  const count = expected ? (scenario.calls ?? 1) : 0
  if (calls.length !== count) return [`calls: expected ${count}, seen ${calls.length}`]
  return inOrder(calls).flatMap((seen, index) => [
    ...differences(
      `call ${seen.call.uuid}`,
      linesOf(tracesOf(scenario.expected, index).call),
      linesOf(asExpected(plan, seen)),
    ),
    ...differences(
      `unsent deliveries of call ${seen.call.uuid}`,
      [],
      seen.deliveries
        .filter(({ state }) => state !== 'delivered')
        .map(({ trigger, state }) => `${trigger} ${state}`),
    ),
  ])
}

/** As they were made: a UUID begins with its time. */
const inOrder = (calls: readonly SeenCall[]): readonly SeenCall[] =>
  calls.toSorted((a, b) => (a.call.uuid < b.call.uuid ? -1 : 1))

const tracesOf = (expected: Expected, index: number): ExpectedTraces =>
  index === 0 ? expected : (expected.later ?? expected)

function linesOf(call: ExpectedCall | undefined): readonly string[] {
  return Object.entries(call ?? {})
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : value}`)
}

/** The call in the words of the expectation. */
function asExpected(plan: Seen['plan'], { call, settlements }: SeenCall): ExpectedCall {
  const seen = {
    buyer: call.buyer_id === null ? null : Number(buyerPlace(plan, call.buyer_id)),
    conversion: call.conversion,
    reason: call.reason,
    hungUpBy: call.hung_up_by,
    endReason: call.end_reason,
    sipStatus: call.sip_status,
    revenue: call.revenue,
    payout: call.payout,
    legs: call.legs
      .toSorted((a, b) => a.buyer_id.localeCompare(b.buyer_id))
      .map(({ sip_status, reason }) => words(sip_status ?? '-', reason)),
    ledger: settlements.map(({ kind, conversion, revenue, payout }) =>
      words(kind, conversion, revenue, payout),
    ),
  }
  return seen as ExpectedCall
}

const words = (...parts: readonly (string | number | null)[]): string =>
  parts.filter((part) => part !== null).join(' ')

/** Every INVITE has the UUID of a call of ours; a leg has a key of its own. @see behaviour B1 */
function judgeInvites({ calls, invites }: Seen): readonly string[] {
  const known = new Set(calls.map(({ call }) => compact(call.uuid)))
  const strangers = invites.filter(({ callUuid }) => !known.has(compact(callUuid)))
  const legs = new Set(invites.map(({ buyer, callUuid }) => `${buyer} ${callUuid}`))
  const keys = new Set(invites.map(({ callKey }) => callKey))
  return [
    ...strangers.map(({ callUuid }) => `INVITE with the UUID ${callUuid}: no such call`),
    ...(keys.size === legs.size
      ? []
      : [`keys: expected one a leg (${legs.size}), seen ${keys.size}`]),
  ]
}

export const compact = (callUuid: string): string => callUuid.replaceAll('-', '').toLowerCase()

function judgeRequests({ plan, calls, invites, requests }: Seen): readonly string[] {
  const of = (callUuid: string) =>
    requests.filter(({ url }) => url.searchParams.get('call') === callUuid)
  const known = new Set(calls.map(({ call }) => call.uuid))
  const strangers = requests.filter(({ url }) => !known.has(url.searchParams.get('call') ?? ''))
  return [
    ...strangers.map(({ method, url }) => `request of an unknown call: ${method} ${url.pathname}`),
    ...inOrder(calls).flatMap(({ call }, index) => [
      ...differences(
        `requests of call ${call.uuid}`,
        tracesOf(plan.scenario.expected, index).requests,
        of(call.uuid).map((request) => requestLine(plan, request)),
      ),
      ...judgeKey(call, of(call.uuid), invites),
    ]),
  ]
}

/** The request without what is different each time. */
function requestLine(plan: Seen['plan'], { method, url }: ReceivedRequest): string {
  const told = new URLSearchParams(url.searchParams)
  told.delete('call')
  told.delete('key')
  if (told.get('from') === `+1${plan.caller}`) told.set('from', 'caller')
  const buyer = told.get('buyer')
  if (buyer !== null) told.set('buyer', buyerPlace(plan, buyer))
  const query = told.toString()
  return `${method} ${url.pathname}${query === '' ? '' : `?${query}`}`
}

/** The ping has the key that stood in the INVITE of the buyer that answered. */
function judgeKey(
  { uuid, buyer_id }: ApiCall,
  requests: readonly ReceivedRequest[],
  invites: readonly SeenInvite[],
): readonly string[] {
  const ping = requests.find(({ url }) => url.searchParams.has('key'))
  if (!ping) return []
  const key = ping.url.searchParams.get('key')
  const told = invites.filter(
    ({ buyer, callUuid }) =>
      compact(callUuid) === compact(uuid) && (buyer_id ?? '').endsWith(`-${buyer}`),
  )
  return told.some(({ callKey }) => callKey === key)
    ? []
    : [`key of the ping of call ${uuid}: not the one in the INVITE of buyer ${buyer_id}`]
}

function differences(
  what: string,
  expected: readonly string[],
  seen: readonly string[],
): readonly string[] {
  const missing = subtract(expected, seen)
  const extra = subtract(seen, expected)
  if (missing.length === 0 && extra.length === 0) return []
  return [`${what}: expected ${list(missing)}, seen ${list(extra)}`]
}

/** What is in `these` more often than in `those`. */
function subtract(these: readonly string[], those: readonly string[]): readonly string[] {
  const rest = [...those]
  return these.filter((each) => {
    const index = rest.indexOf(each)
    if (index >= 0) rest.splice(index, 1)
    return index < 0
  })
}

const list = (items: readonly string[]): string =>
  items.length === 0 ? 'nothing else' : items.join('; ')
