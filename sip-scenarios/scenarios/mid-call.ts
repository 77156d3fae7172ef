import type { Scenario } from '../scenario.ts'
import { endedBy, PLAIN } from './plain.ts'

/** What either side sends while the call is up. */
export const MID_CALL: readonly Scenario[] = [
  {
    name: 'hold-relayed',
    proves: 'Hold and resume pass to the other side, and their answers back.',
    caller: 'uac-holds-expect-200',
    buyers: ['uas-is-held'],
    expected: PLAIN,
  },
  {
    name: 'buyer-holds',
    proves: 'A re-INVITE of the buyer reaches the caller, and its answer the buyer.',
    caller: 'uac-is-held-expect-200',
    buyers: ['uas-holds'],
    expected: PLAIN,
  },
  {
    name: 'offer-asked-for',
    proves: 'A re-INVITE without offer gets one of the other side, and the ACK its answer there.',
    caller: 'uac-asks-for-an-offer-expect-200',
    buyers: ['uas-is-asked-for-an-offer'],
    expected: PLAIN,
  },
  {
    name: 'refresh-answered-here',
    proves:
      'What says only that its sender is there is answered here: the same offer, UPDATE without one.',
    caller: 'uac-refreshes-expect-200',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'update-relayed',
    proves: 'An offer in an UPDATE passes as UPDATE to a buyer that takes it.',
    caller: 'uac-updates-expect-200',
    buyers: ['uas-takes-updates'],
    expected: PLAIN,
  },
  {
    name: 'update-becomes-reinvite',
    proves: 'An offer in an UPDATE passes as re-INVITE to a buyer that does not take UPDATE.',
    caller: 'uac-updates-expect-200',
    buyers: ['uas-takes-no-updates'],
    expected: PLAIN,
  },
  {
    name: 'offers-cross',
    proves: 'Of two offers that cross, the second is answered 491 and the first goes through.',
    caller: 'uac-offers-first-expect-200',
    buyers: ['uas-offers-at-once'],
    expected: PLAIN,
  },
  {
    name: 'dtmf-relayed',
    proves: 'A key that is told in an INFO passes to the other side.',
    caller: 'uac-presses-a-key-expect-200',
    buyers: ['uas-hears-a-key'],
    expected: PLAIN,
  },
  {
    name: 'other-info-refused',
    proves: 'An empty INFO is answered 200, one that holds neither keys nor media control 415.',
    caller: 'uac-sends-other-info-expect-415',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'transfer-refused',
    proves: 'A REFER makes us dial nobody: it is refused and the call goes on.',
    caller: 'uac-transfers-expect-603',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'buyer-transfer-refused',
    proves: 'Nor does a REFER of the buyer.',
    caller: 'uac-waits-for-bye-expect-200',
    buyers: ['uas-transfers'],
    configuration: { buyer: { max_call_seconds: 1 } },
    expected: endedBy('bridge', 'max_duration'),
  },
  {
    name: 'odd-methods-refused',
    proves: 'MESSAGE, NOTIFY and PUBLISH in a call are answered 405, OPTIONS 200.',
    caller: 'uac-sends-odd-methods-expect-405',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'unknown-method-refused',
    proves: 'A method that nobody knows is answered 405 and the call goes on.',
    caller: 'uac-sends-an-unknown-method-expect-405',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'call-forgotten',
    proves: 'A side that answers 481 has no call any more: both are hung up (RFC 5057).',
    caller: 'uac-learns-of-the-end-expect-481',
    buyers: ['uas-forgets-the-call'],
    expected: endedBy('bridge', 'dialog_gone'),
  },
  {
    name: 'byes-cross',
    proves: 'Of two BYEs that cross both are answered, and the call ends once.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-hangs-up-at-once'],
    expected: PLAIN,
  },
]
