import { deliveryId } from '../../domain/delivery.ts'
import type { CallSeen, OutsideRecord, RequestSeen } from './record.ts'
import type { Stored, StoredDelivery, StoredSettlement } from './stored.ts'
import { atLeast, none, type Verdict } from './verdict.ts'

/** Of all requests that were taken, how many may be repeats of one taken before. */
const DUPLICATES_PERCENT_MAX = 6

/** Compares what was seen from outside with what is stored. Pure. @see reliability 8 */
export function judge(record: OutsideRecord, stored: Stored): readonly Verdict[] {
  return [
    none('lost', findLost(record, stored)),
    none('unfinished', findUnfinished(record)),
    none('wrong_answers', findWrongAnswers(record)),
    none('wrong_amounts', [...findWrongMoney(record, stored), ...findWrongPayouts(record, stored)]),
    none('settled_twice', findSettledTwice(record, stored)),
    none('missing', findMissing(stored)),
    none('undelivered', findUndelivered(record, stored)),
    none('unlogged', findUnlogged(stored)),
    none('phantoms', findPhantoms(record, stored)),
    none('order_breaks', findOrderBreaks(record, stored)),
    none('changed_ids', findChangedIds(record)),
    none('forged', findForged(record)),
    judgeDuplicates(record),
  ]
}

/** That the service was put to the test: otherwise every promise is easily kept. */
export function judgeEffort(
  { calls, kills, crashes }: Readonly<Record<'calls' | 'kills' | 'crashes', number>>,
  callsWanted: number,
): readonly Verdict[] {
  return [
    atLeast('calls', callsWanted, calls),
    atLeast('kills', 1, kills),
    atLeast('crashes', 1, crashes),
  ]
}

const callsOf = ({ calls }: OutsideRecord): readonly (readonly [string, CallSeen])[] => [...calls]

/** I1: what was acknowledged is there. */
const findLost = (record: OutsideRecord, { calls }: Stored): readonly string[] =>
  callsOf(record)
    .filter(([callUuid, seen]) => seen.isAcknowledged && calls.get(callUuid)?.state !== 'ended')
    .map(([callUuid]) => callUuid)

/** Everything that was tried was answered in the end. */
const findUnfinished = (record: OutsideRecord): readonly string[] =>
  callsOf(record)
    .filter(([, seen]) => !seen.isAcknowledged || !seen.isDone)
    .map(([callUuid]) => callUuid)

const findWrongAnswers = (record: OutsideRecord): readonly string[] =>
  callsOf(record).flatMap(([callUuid, seen]) =>
    seen.wrongAnswers.map((answer) => `${callUuid}: ${answer}`),
  )

/** I3: converted if and only if a postback was acknowledged, at the last amount of it. */
const findWrongMoney = (record: OutsideRecord, { calls }: Stored): readonly string[] =>
  callsOf(record).flatMap(([callUuid, { isAcknowledged, amounts }]) => {
    const call = calls.get(callUuid)
    if (!isAcknowledged || !call) return []
    const last = amounts.at(-1)
    const expected =
      last === undefined
        ? ['not_converted', null, null]
        : ['converted', last, (Math.round(Number(last) * 80) / 100).toFixed(2)]
    const found = [call.conversion, call.revenue, call.payout]
    return String(expected) === String(found)
      ? []
      : [`${callUuid}: ${String(found)} instead of ${String(expected)}`]
  })

/** What a receiver was told is what the ledger has for that decision. */
function findWrongPayouts({ requests }: OutsideRecord, { settlements }: Stored): readonly string[] {
  return requests
    .filter(({ trackingUrlId }) => /^(?:converted|adjusted)$/.test(trackingUrlId))
    .filter(({ callUuid, deliveryId: id, payout }) => {
      const revision = Number(/_(\d+)$/.exec(id)?.[1])
      return settlements.get(callUuid)?.[revision - 1]?.payout !== payout
    })
    .map(({ deliveryId: id, payout }) => `${id}: told ${payout}`)
}

/** I2: one decision for each call, then adjustments; no amount is decided twice. */
const findSettledTwice = ({ calls }: OutsideRecord, { settlements }: Stored): readonly string[] =>
  [...settlements]
    .filter(([callUuid, entries]) => {
      const first = entries.filter(({ kind }) => kind === 'settlement').length
      const converted = entries.filter(({ conversion }) => conversion === 'converted')
      return first !== 1 || converted.length > (calls.get(callUuid)?.amounts.length ?? 0)
    })
    .map(([callUuid, entries]) => `${callUuid}: ${entries.map(({ kind }) => kind).join(' ')}`)

const TRIGGERS: Readonly<Record<StoredSettlement['kind'], (entry: StoredSettlement) => string[]>> =
  {
    settlement: ({ conversion }) => ['finished', conversion.replace('_', '-')],
    late_conversion: () => ['converted'],
    adjustment: () => ['adjusted'],
  }

/** I6: each decision has exactly the deliveries that it implies, and each call its ping. */
function findMissing({ calls, settlements, deliveries }: Stored): readonly string[] {
  const expected = new Set([
    ...[...calls.keys()].map((callUuid) =>
      deliveryId({ callUuid, trackingUrlId: 'bridged', occurrence: 0 }),
    ),
    ...[...settlements.values()]
      .flat()
      .flatMap((entry) =>
        TRIGGERS[entry.kind](entry).map((trackingUrlId) =>
          deliveryId({ callUuid: entry.callUuid, trackingUrlId, occurrence: entry.revision }),
        ),
      ),
  ])
  const queued = new Set(deliveries.map(deliveryId))
  return [
    ...[...expected].filter((id) => !queued.has(id)).map((id) => `${id} was never queued`),
    ...[...queued].filter((id) => !expected.has(id)).map((id) => `${id} follows from nothing`),
  ]
}

/** I7: every delivery was taken by its receiver, and is marked as such. */
function findUndelivered({ requests }: OutsideRecord, { deliveries }: Stored): readonly string[] {
  const taken = new Set(
    requests.flatMap(({ takenAtMs, deliveryId: id }) => (takenAtMs === undefined ? [] : [id])),
  )
  return deliveries
    .filter((delivery) => delivery.state !== 'delivered' || !taken.has(deliveryId(delivery)))
    .map(deliveryId)
}

/** I7: what was delivered has the attempt on record that was taken. */
const findUnlogged = ({ deliveries }: Stored): readonly string[] =>
  deliveries.filter(({ state, isLogged }) => state === 'delivered' && !isLogged).map(deliveryId)

/** I10: nothing is sent that is not stored. */
function findPhantoms({ requests }: OutsideRecord, { deliveries }: Stored): readonly string[] {
  const known = new Set(deliveries.map(deliveryId))
  return requests.map(({ deliveryId: id }) => id).filter((id) => !known.has(id))
}

/** I9: nothing is sent before what is in front of it in its lane has been taken. */
function findOrderBreaks({ requests }: OutsideRecord, { deliveries }: Stored): readonly string[] {
  const lanes = Map.groupBy(deliveries, laneOf)
  const byDelivery = Map.groupBy(requests, ({ deliveryId: id }) => id)
  return [...lanes.values()].flatMap((lane) =>
    lane.slice(1).flatMap((later, index) => {
      const before = lane[index]
      const isBroken = before && isEarlier(byDelivery, later, before)
      return isBroken
        ? [`${deliveryId(later)} was sent before ${deliveryId(before)} was taken`]
        : []
    }),
  )
}

const laneOf = ({ callUuid, trackingUrlId }: StoredDelivery): string =>
  `${callUuid} ${trackingUrlId}`

function isEarlier(
  byDelivery: ReadonlyMap<string, readonly RequestSeen[]>,
  later: StoredDelivery,
  before: StoredDelivery,
): boolean {
  const arrived = byDelivery.get(deliveryId(later))?.map(({ arrivedAtMs }) => arrivedAtMs) ?? []
  const taken =
    byDelivery
      .get(deliveryId(before))
      ?.map(({ takenAtMs = Number.POSITIVE_INFINITY }) => takenAtMs) ?? []
  return Math.min(...arrived) < Math.min(...taken)
}

/** I8: the id in the header is that of the delivery, on every attempt. */
const findChangedIds = ({ requests }: OutsideRecord): readonly string[] =>
  requests
    .filter(({ deliveryId: id, webhookId }) => id !== webhookId)
    .map(({ deliveryId: id, webhookId }) => `${id} came as ${webhookId}`)

const findForged = ({ requests }: OutsideRecord): readonly string[] =>
  requests.filter(({ isGenuine }) => !isGenuine).map(({ deliveryId: id }) => id)

/** A request that was taken and came again: its answer was lost with the process. */
function judgeDuplicates({ requests }: OutsideRecord): Verdict {
  const taken = requests.filter(({ takenAtMs }) => takenAtMs !== undefined)
  const repeats = taken.length - new Set(taken.map(({ deliveryId: id }) => id)).size
  const seen = taken.length === 0 ? 0 : Math.round((1_000 * repeats) / taken.length) / 10
  const example = `${repeats} of ${taken.length}`
  const expected = DUPLICATES_PERCENT_MAX
  return { invariant: 'duplicates_percent', expected, seen, ok: seen < expected, example }
}
