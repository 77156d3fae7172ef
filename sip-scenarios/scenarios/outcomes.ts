import type { Scenario } from '../scenario.ts'
import { failedOver, PASSED_OVER, PLAIN, PLAIN_CALL, refused } from './plain.ts'

/** A response of a buyer, what it is read as, and what the caller hears when no buyer is left. */
interface Outcome {
  readonly refusal: string
  readonly reason: string
  readonly answer: keyof typeof CALLERS
}

const CALLERS = {
  404: 'uac-no-such-target-expect-404',
  480: 'uac-nobody-answers-expect-480',
  482: 'uac-loops-expect-482',
  483: 'uac-buyer-out-of-hops-expect-483',
  486: 'uac-buyers-busy-expect-486',
  488: 'uac-no-common-codec-expect-488',
  500: 'uac-buyers-fail-expect-500',
} as const

/** Responses after which another buyer is tried. */
const NEXT: readonly Outcome[] = [
  { refusal: '400 Bad Request', reason: 'rejected_400', answer: 480 },
  { refusal: '401 Unauthorized', reason: 'credentials_refused', answer: 500 },
  { refusal: '403 Forbidden', reason: 'forbidden', answer: 500 },
  { refusal: '404 Not Found', reason: 'no_such_target', answer: 404 },
  { refusal: '407 Proxy Authentication Required', reason: 'credentials_refused', answer: 500 },
  { refusal: '410 Gone', reason: 'no_such_target', answer: 404 },
  { refusal: '415 Unsupported Media Type', reason: 'no_common_codec', answer: 488 },
  { refusal: '480 Temporarily Unavailable', reason: 'unavailable', answer: 480 },
  { refusal: '484 Address Incomplete', reason: 'no_such_target', answer: 404 },
  { refusal: '486 Busy Here', reason: 'busy', answer: 486 },
  { refusal: '487 Request Terminated', reason: 'terminated', answer: 480 },
  { refusal: '488 Not Acceptable Here', reason: 'no_common_codec', answer: 488 },
  { refusal: '500 Server Internal Error', reason: 'server_error_500', answer: 500 },
  { refusal: '502 Bad Gateway', reason: 'server_error_502', answer: 500 },
  { refusal: '503 Service Unavailable', reason: 'overloaded', answer: 480 },
  { refusal: '504 Server Time-out', reason: 'server_error_504', answer: 500 },
  { refusal: '600 Busy Everywhere', reason: 'busy', answer: 486 },
  { refusal: '603 Decline', reason: 'declined', answer: 480 },
  { refusal: '604 Does Not Exist Anywhere', reason: 'no_such_target', answer: 404 },
  { refusal: '606 Not Acceptable', reason: 'no_common_codec', answer: 488 },
  { refusal: '607 Unwanted', reason: 'declined', answer: 480 },
  { refusal: '608 Rejected', reason: 'declined', answer: 480 },
]

/** Responses after which no other buyer could do better. */
const STOP: readonly Outcome[] = [
  { refusal: '482 Loop Detected', reason: 'loop', answer: 482 },
  { refusal: '483 Too Many Hops', reason: 'too_many_hops', answer: 483 },
]

const statusOf = ({ refusal }: Outcome): string => refusal.slice(0, 3)

function failsOver(outcome: Outcome): Scenario {
  const { refusal, reason, answer } = outcome
  const leg = `${statusOf(outcome)} ${reason}`
  return {
    name: `buyer-${statusOf(outcome)}-expect-${answer}`,
    proves: `After a buyer's ${refusal} the next is tried; when all say so, the caller hears ${answer}.`,
    caller: CALLERS[answer],
    buyers: ['uas-refuses', 'uas-refuses'],
    refusal,
    expected: refused(answer, reason, leg, leg),
  }
}

function ends(outcome: Outcome): Scenario {
  const { refusal, reason, answer } = outcome
  return {
    name: `buyer-${statusOf(outcome)}-expect-${answer}`,
    proves: `A buyer's ${refusal} ends the call with ${answer}: no other buyer is tried.`,
    caller: CALLERS[answer],
    buyers: ['uas-refuses', 'not-called'],
    refusal,
    expected: refused(answer, reason, `${statusOf(outcome)} ${reason}`),
  }
}

/** What each final response of a buyer leads to: the rows of the table in docs/sip.md. */
export const OUTCOMES: readonly Scenario[] = [
  ...NEXT.map(failsOver),
  ...STOP.map(ends),
  {
    name: 'buyer-408-after-ringing',
    proves: 'A 408 after ringing is followed by the next buyer, and its host is not held for dead.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-rings-then-refuses', 'uas-answers'],
    refusal: '408 Request Timeout',
    calls: 2,
    expected: failedOver('408 no_response'),
  },
  {
    name: 'buyer-408-at-once',
    proves: 'A 408 that a gateway sends is about one number: the gateway is not held for dead.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-refuses', 'uas-answers'],
    refusal: '408 Request Timeout',
    calls: 2,
    expected: failedOver('408 no_response'),
  },
  {
    name: 'nonsense-offered-expect-488',
    proves:
      "An offer that is none is the buyer's to judge, and no buyer's host is held for dead for it.",
    caller: 'uac-offers-nonsense-expect-488',
    buyers: ['uas-hears-nonsense'],
    calls: 2,
    expected: refused(488, 'no_common_codec', '488 no_common_codec'),
  },
  {
    name: 'buyer-491-once',
    proves: 'After 491 the same buyer is asked once more, a moment later, and has the call.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-is-pending-once', 'not-called'],
    buyerCalls: [2],
    expected: PLAIN,
  },
  {
    name: 'buyer-491-twice-expect-480',
    proves: 'After 491 twice the buyer has failed, and the caller hears 480.',
    caller: 'uac-nobody-answers-expect-480',
    buyers: ['uas-refuses'],
    refusal: '491 Request Pending',
    buyerCalls: [2],
    expected: refused(480, 'request_pending', '491 request_pending'),
  },
  {
    name: 'unreachable-buyer-spared',
    proves: 'A port where nobody listens costs nothing, and the next call passes it over.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['nobody', 'uas-answers'],
    calls: 2,
    expected: { ...failedOver('503 unreachable'), later: PASSED_OVER },
  },
  {
    name: 'unreachable-host-given-up',
    proves:
      'Of two buyers where nobody listens one is tried: the call itself passes the other over.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['nobody', 'same-host', 'uas-answers'],
    expected: {
      call: { ...PLAIN_CALL, buyer: 3, legs: ['503 unreachable', '200'] },
      requests: [...PLAIN.requests, 'GET /selected?buyer=3'],
    },
  },
  {
    name: 'overloaded-buyer-spared',
    proves: 'After a 503 with Retry-After the next call passes the buyer over.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-overloaded', 'uas-answers'],
    calls: 2,
    buyerCalls: [1, 2],
    expected: { ...failedOver('503 overloaded'), later: PASSED_OVER },
  },
  {
    name: 'buyer-is-ourselves',
    proves: 'A buyer whose endpoint is our own address is not dialled, and the next has the call.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['ourselves', 'uas-answers'],
    expected: failedOver('500 unreachable'),
  },
]
