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

/** No call comes of it, and nobody hears of it. */
export const NO_CALL: Expected = { requests: [] }
