import type { Expected, ExpectedCall } from '../scenario.ts'

/** A call that the caller hung up and that no conversion group applies to. */
export const PLAIN_CALL: ExpectedCall = {
  buyer: 1,
  conversion: 'not_converted',
  reason: 'no_conversion_group',
  hungUpBy: 'caller',
  endReason: 'caller_hung_up',
  sipStatus: 200,
  revenue: null,
  payout: null,
  legs: ['200'],
  ledger: ['settlement not_converted'],
}

/** What its tracking URLs hear. */
export const PLAIN: Expected = {
  call: PLAIN_CALL,
  requests: [
    'GET /start',
    'GET /selected?buyer=1',
    'HEAD /bridged?from=caller',
    'GET /finished?by=caller&status=200',
    'GET /not_converted',
  ],
}

/** Such a call, whose caller is told the buyer as this number; as nobody's where it is empty. */
export const callFrom = (number: string): Expected => ({
  ...PLAIN,
  requests: PLAIN.requests.map((request) =>
    request.replace('from=caller', `from=${encodeURIComponent(number)}`),
  ),
})

/** Such a call, where somebody else hung up. */
export const endedBy = (who: 'buyer' | 'bridge', endReason: string): Expected => ({
  call: { ...PLAIN_CALL, hungUpBy: who, endReason },
  requests: PLAIN.requests.map((request) => request.replace('by=caller', `by=${who}`)),
})

/** No call comes of it, and nobody hears of it. */
export const NO_CALL: Expected = { requests: [] }

/** A call that no buyer got. */
export const UNANSWERED: ExpectedCall = {
  ...PLAIN_CALL,
  buyer: null,
  reason: 'not_connected',
  hungUpBy: 'bridge',
}

/** A caller that gave up while one buyer rang. */
export const CANCELLED = {
  call: {
    ...UNANSWERED,
    hungUpBy: 'caller',
    endReason: 'caller_cancelled',
    sipStatus: 487,
    legs: ['487 cancelled'],
  },
  requests: [
    'GET /start',
    'GET /selected?buyer=1',
    'GET /finished?by=caller&status=487',
    'GET /not_converted',
  ],
} satisfies Expected

/** These buyers were tried and failed, so the caller was refused. */
export function refused(status: number, endReason: string, ...legs: readonly string[]): Expected {
  return {
    call: { ...UNANSWERED, endReason, sipStatus: status, legs },
    requests: [
      'GET /start',
      ...legs.map((_, index) => `GET /selected?buyer=${index + 1}`),
      `GET /finished?by=bridge&status=${status}`,
      'GET /not_converted',
    ],
  }
}

/** The first buyer failed and the second one answered. */
export function failedOver(leg: string): Expected {
  return {
    call: { ...PLAIN_CALL, buyer: 2, legs: [leg, '200'] },
    requests: [...PLAIN.requests, 'GET /selected?buyer=2'],
  }
}

/** The first buyer was not tried, and the second one answered. */
export const PASSED_OVER: Expected = {
  call: { ...PLAIN_CALL, buyer: 2 },
  requests: PLAIN.requests.map((request) => request.replace('buyer=1', 'buyer=2')),
}
