import type { Scenario } from '../scenario.ts'
import { CANCELLED, failedOver, PLAIN, PLAIN_CALL, refused, UNANSWERED } from './plain.ts'

/** Calls that a buyer does not take, or that the caller gives up. */
export const FAILURES: readonly Scenario[] = [
  {
    name: 'caller-cancels',
    proves: "The caller's CANCEL reaches the ringing buyer with its Reason; no ping.",
    caller: 'uac-cancels-expect-487',
    buyers: ['uas-is-given-up', 'not-called'],
    expected: CANCELLED,
  },
  {
    name: 'caller-cancels-ring-group',
    proves: "The caller's CANCEL reaches every buyer that rings, and nobody else is tried.",
    caller: 'uac-cancels-expect-487',
    buyers: ['uas-is-given-up', 'uas-is-given-up'],
    configuration: { ringTogether: true },
    expected: {
      call: { ...CANCELLED.call, legs: ['487 cancelled', '487 cancelled'] },
      requests: [...CANCELLED.requests, 'GET /selected?buyer=2'],
    },
  },
  {
    name: 'cancel-crosses-answer',
    proves: 'A buyer whose 200 crosses the CANCEL gets ACK and BYE; no ping (B2).',
    caller: 'uac-cancels-expect-487',
    buyers: ['uas-answers-the-cancel', 'not-called'],
    expected: CANCELLED,
  },
  {
    name: 'buyer-busy-fails-over',
    proves: 'A busy buyer is followed by the next: same UUID, another key, one ping (B1, B2).',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-busy', 'uas-answers', 'not-called'],
    expected: failedOver('486 busy'),
  },
  {
    name: 'buyer-overloaded-fails-over',
    proves: 'A buyer that answers 503 is followed by the next.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-overloaded', 'uas-answers'],
    expected: failedOver('503 overloaded'),
  },
  {
    name: 'no-answer-fails-over',
    proves: 'A buyer that rings too long is cancelled with Reason 480 and the next is dialled.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-rings-too-long', 'uas-answers'],
    configuration: { buyer: { ring_timeout_seconds: 1 } },
    expected: failedOver('- no_answer'),
  },
  {
    name: 'silent-buyer-fails-over',
    proves: 'A buyer that says nothing at all costs its setup time and no more.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['silent', 'uas-answers'],
    configuration: { buyer: { setup_timeout_seconds: 1 } },
    expected: failedOver('- no_sign_of_life'),
  },
  {
    name: 'first-to-answer',
    proves: 'Of buyers that ring together the first to answer has the call; one ping.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-answers', 'uas-loses-the-race'],
    configuration: { ringTogether: true },
    expected: {
      call: { ...PLAIN_CALL, legs: ['200', '487 lost_the_race'] },
      requests: [...PLAIN.requests, 'GET /selected?buyer=2'],
    },
  },
  {
    name: 'no-answer',
    proves: 'When the last buyer rings too long, the caller hears 480.',
    caller: 'uac-nobody-answers-expect-480',
    buyers: ['uas-rings-too-long'],
    configuration: { buyer: { ring_timeout_seconds: 1 } },
    expected: refused(480, 'no_answer', '- no_answer'),
  },
  {
    name: 'buyers-busy',
    proves: 'Of several refusals the caller hears the one that tells most: busy.',
    caller: 'uac-buyers-busy-expect-486',
    buyers: ['uas-busy', 'uas-unavailable'],
    expected: refused(486, 'unavailable', '486 busy', '480 unavailable'),
  },
  {
    name: 'overload-not-relayed',
    proves: "A buyer's 503 becomes 480, or the carrier would stop sending calls.",
    caller: 'uac-nobody-answers-expect-480',
    buyers: ['uas-overloaded'],
    expected: refused(480, 'overloaded', '503 overloaded'),
  },
  {
    name: 'refused-invite-again',
    proves: 'An INVITE that comes again after its refusal gets the same answer and is one call.',
    caller: 'uac-tries-again-expect-480',
    buyers: ['uas-unavailable'],
    expected: refused(480, 'unavailable', '480 unavailable'),
  },
  {
    name: 'redirect-not-followed',
    proves: 'A buyer cannot send the call to a place that is not configured.',
    caller: 'uac-nobody-answers-expect-480',
    buyers: ['uas-redirects'],
    expected: refused(480, 'redirected_302', '302 redirected_302'),
  },
  {
    name: 'early-media-is-no-answer',
    proves: 'A buyer that plays an announcement and is then busy is not pinged (B2).',
    caller: 'uac-hears-early-media-expect-486',
    buyers: ['uas-early-media-then-busy'],
    expected: refused(486, 'busy', '486 busy'),
  },
  {
    name: 'no-buyer',
    proves: 'A campaign without buyers answers 480, and the call is recorded.',
    caller: 'uac-nobody-answers-expect-480',
    expected: {
      call: { ...UNANSWERED, endReason: 'no_buyer', sipStatus: 480, legs: [] },
      requests: ['GET /start', 'GET /finished?by=bridge&status=480', 'GET /not_converted'],
    },
  },
]
