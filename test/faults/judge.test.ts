import { expect, it } from 'vitest'
import { judge, judgeEffort } from '../../src/cli/faults/judge.ts'
import type { CallSeen, OutsideRecord, RequestSeen } from '../../src/cli/faults/record.ts'
import type { Stored, StoredDelivery, StoredSettlement } from '../../src/cli/faults/stored.ts'

const CALL = '01890a5d-ac96-774b-bcce-b302099a8057'
const SHORT = CALL.replaceAll('-', '')

interface World {
  readonly seen: CallSeen
  readonly requests: RequestSeen[]
  readonly settlements: StoredSettlement[]
  readonly deliveries: StoredDelivery[]
  readonly call: {
    conversion: string
    revenue: string | null
    payout: string | null
    state: string
  }
}

const request = (id: string, atMs: number, changed: Partial<RequestSeen> = {}): RequestSeen => ({
  deliveryId: `${SHORT}_${id}`,
  webhookId: `${SHORT}_${id}`,
  trackingUrlId: id.replace(/_.*/, ''),
  callUuid: CALL,
  payout: id.startsWith('converted') ? '8.00' : id.startsWith('adjusted_2') ? '16.00' : '24.00',
  arrivedAtMs: atMs,
  takenAtMs: atMs + 1,
  isGenuine: true,
  ...changed,
})

const entry = (
  revision: number,
  kind: StoredSettlement['kind'],
  payout: string,
): StoredSettlement => ({
  callUuid: CALL,
  revision,
  kind,
  conversion: 'converted',
  postbackValue: null,
  revenue: null,
  payout,
})

const delivery = (trackingUrlId: string, occurrence: number): StoredDelivery => ({
  callUuid: CALL,
  trackingUrlId,
  occurrence,
  state: 'delivered',
  isLogged: true,
})

/** A call that was converted at 10.00 and corrected to 20.00 and 30.00. */
function aWorld(): World {
  return {
    seen: {
      isAcknowledged: true,
      amounts: ['10.00', '20.00', '30.00'],
      wrongAnswers: [],
      isDone: true,
    },
    requests: ['bridged_0', 'finished_1', 'converted_1', 'adjusted_2', 'adjusted_3'].map(
      (id, index) => request(id, index * 10),
    ),
    settlements: [
      entry(1, 'settlement', '8.00'),
      entry(2, 'adjustment', '16.00'),
      entry(3, 'adjustment', '24.00'),
    ],
    deliveries: [
      delivery('adjusted', 2),
      delivery('adjusted', 3),
      delivery('bridged', 0),
      delivery('converted', 1),
      delivery('finished', 1),
    ],
    call: { state: 'ended', conversion: 'converted', revenue: '30.00', payout: '24.00' },
  }
}

function broken({ seen, requests, settlements, deliveries, call }: World): readonly string[] {
  const record: OutsideRecord = { calls: new Map([[CALL, seen]]), requests }
  const stored: Stored = {
    calls: new Map([[CALL, { callUuid: CALL, ...call }]]),
    settlements: new Map([[CALL, settlements]]),
    deliveries,
  }
  return judge(record, stored).flatMap(({ invariant, ok }) => (ok ? [] : [invariant]))
}

it('finds nothing wrong where nothing is', () => {
  expect(broken(aWorld())).toEqual([])
})

it.each<[name: string, spoil: (world: World) => Partial<World>, expected: readonly string[]]>([
  [
    'a call that is not there to its end',
    ({ call }) => ({ call: { ...call, state: 'bridged' } }),
    ['lost'],
  ],
  [
    'a buyer who never got an answer',
    ({ seen }) => ({ seen: { ...seen, isDone: false } }),
    ['unfinished'],
  ],
  [
    'an answer that nobody allows',
    ({ seen }) => ({ seen: { ...seen, wrongAnswers: ['404'] } }),
    ['wrong_answers'],
  ],
  ['a wrong payout', ({ call }) => ({ call: { ...call, payout: '24.01' } }), ['wrong_amounts']],
  [
    'an acknowledged correction that was forgotten',
    ({ call }) => ({ call: { ...call, revenue: '20.00', payout: '16.00' } }),
    ['wrong_amounts'],
  ],
  [
    'a receiver that was told another payout',
    ({ requests }) => ({
      requests: requests.with(2, request('converted_1', 20, { payout: '9.00' })),
    }),
    ['wrong_amounts'],
  ],
  [
    'a second settlement',
    ({ settlements }) => ({ settlements: settlements.with(1, entry(2, 'settlement', '16.00')) }),
    ['settled_twice', 'missing'],
  ],
  [
    'an amount that was applied twice',
    ({ seen }) => ({ seen: { ...seen, amounts: ['10.00', '30.00'] } }),
    ['settled_twice'],
  ],
  [
    'a delivery that was never queued',
    ({ deliveries }) => ({ deliveries: deliveries.toSpliced(4, 1) }),
    ['missing', 'phantoms'],
  ],
  [
    'a delivery that nobody took',
    ({ requests }) => ({
      requests: requests.with(1, request('finished_1', 10, { takenAtMs: undefined })),
    }),
    ['undelivered'],
  ],
  [
    'a delivery that was given up',
    ({ deliveries }) => ({
      deliveries: deliveries.with(3, { ...delivery('converted', 1), state: 'failed' }),
    }),
    ['undelivered'],
  ],
  [
    'a delivery whose attempt is not on record',
    ({ deliveries }) => ({
      deliveries: deliveries.with(3, { ...delivery('converted', 1), isLogged: false }),
    }),
    ['unlogged'],
  ],
  [
    'a request for nothing',
    ({ requests }) => ({ requests: [...requests, request('finished_9', 50)] }),
    ['phantoms'],
  ],
  [
    'a correction that overtook another',
    ({ requests }) => ({ requests: requests.with(4, request('adjusted_3', 25)) }),
    ['order_breaks'],
  ],
  [
    'an attempt under another name',
    ({ requests }) => ({ requests: requests.with(0, request('bridged_0', 0, { webhookId: 'x' })) }),
    ['changed_ids'],
  ],
  [
    'a wrong signature',
    ({ requests }) => ({
      requests: requests.with(2, request('converted_1', 20, { isGenuine: false })),
    }),
    ['forged'],
  ],
  [
    'a repeat in five',
    ({ requests }) => ({ requests: [...requests, request('bridged_0', 60)] }),
    ['duplicates_percent'],
  ],
])('notices %s', (_, spoil, expected) => {
  const world = aWorld()
  expect(broken({ ...world, ...spoil(world) })).toEqual(expected)
})

it.each<[name: string, run: Parameters<typeof judgeEffort>[0], expected: readonly string[]]>([
  ['as many calls as were asked for', { calls: 100, kills: 1, crashes: 1 }, []],
  ['fewer calls', { calls: 99, kills: 1, crashes: 1 }, ['calls']],
  ['no kill', { calls: 100, kills: 0, crashes: 1 }, ['kills']],
  ['no crash', { calls: 100, kills: 1, crashes: 0 }, ['crashes']],
])('takes a run with %s for what it is', (_, run, expected) => {
  const verdicts = judgeEffort(run, 100)
  expect(verdicts.flatMap(({ invariant, ok }) => (ok ? [] : [invariant]))).toEqual(expected)
})
