import { type Row, test } from './row.ts'

/** From the INVITE to the answer. */
export const SET_UP: readonly Row[] = [
  {
    id: 'set-up-100',
    rule: '100 at once',
    scenarios: ['trying-at-once'],
  },
  {
    id: 'set-up-ringing',
    rule: '180, 181, 182 are one 180; 199 is dropped',
    scenarios: ['forwarding-is-ringing', 'early-dialog-ended'],
  },
  {
    id: 'set-up-early-media',
    rule: 'Early media comes from the last buyer only, and after it nobody else is tried',
    scenarios: ['early-media', 'early-media-held-back', 'early-media-is-no-answer'],
    tests: [test('sip/ring-groups.test.ts', 'never passes on early media')],
  },
  {
    id: 'set-up-forks',
    rule: 'Several phones behind one buyer: the caller hears the one that answers, if need be by a re-INVITE',
    scenarios: ['fork-answers'],
  },
  {
    id: 'set-up-parallel',
    rule: 'Buyers that ring together: the first 2xx wins, the others are cancelled with Reason, a crossing 2xx gets ACK and BYE',
    scenarios: ['first-to-answer', 'race-crosses-answer'],
    tests: [test('sip/ring-groups.test.ts', 'survives two answers in the same moment')],
  },
  {
    id: 'set-up-timers',
    rule: 'Each buyer has its ring time and its time for a sign of life; the call has its longest time',
    scenarios: ['no-answer-fails-over', 'silent-buyer-fails-over', 'call-too-long'],
  },
  {
    id: 'set-up-cancel',
    rule: 'CANCEL ends ringing; one that crosses a 200 gets the buyer ACK and BYE, and nobody is pinged',
    scenarios: [
      'caller-cancels',
      'caller-cancels-in-silence',
      'caller-cancels-ring-group',
      'cancel-crosses-answer',
    ],
  },
  {
    id: 'set-up-credentials',
    rule: 'A challenge is answered once, the strongest algorithm first, once more where the nonce was stale, and never shown to the caller',
    scenarios: [
      'buyer-asks-credentials',
      'buyer-asks-by-sha256',
      'buyer-nonce-stale',
      'buyer-refuses-credentials',
    ],
    tests: [test('sip/outcomes.test.ts', 'and refuses them is not asked again')],
  },
]

/** While the call is up. */
export const MID_CALL: readonly Row[] = [
  {
    id: 'mid-hold',
    rule: 'Hold and resume of either side pass through',
    scenarios: ['hold-relayed', 'buyer-holds'],
  },
  {
    id: 'mid-offerless',
    rule: 'A re-INVITE without offer takes it from the other side',
    scenarios: ['offer-asked-for'],
  },
  {
    id: 'mid-refresh',
    rule: 'What refreshes alone is answered here',
    scenarios: ['refresh-answered-here'],
  },
  {
    id: 'mid-update',
    rule: 'An offer in an UPDATE passes as UPDATE where it is taken, else as re-INVITE',
    scenarios: ['update-relayed', 'update-becomes-reinvite'],
  },
  {
    id: 'mid-info',
    rule: 'INFO passes with keys; empty it is answered 200, with anything else 415',
    scenarios: ['dtmf-relayed', 'other-info-refused'],
  },
  {
    id: 'mid-refer',
    rule: 'REFER is refused, of either side (F48)',
    scenarios: ['transfer-refused', 'buyer-transfer-refused'],
  },
  {
    id: 'mid-others',
    rule: 'OPTIONS is answered, MESSAGE, NOTIFY, PUBLISH and unknown methods are refused; the call goes on',
    scenarios: ['odd-methods-refused', 'unknown-method-refused'],
  },
  {
    id: 'mid-481',
    rule: '481 or 408 to a request in a dialog ends the call for both',
    scenarios: ['call-forgotten'],
  },
  {
    id: 'mid-odd-answers',
    rule: 'A final status that nobody has defined goes back as the general one of its class, and ends neither call nor process',
    scenarios: ['odd-answers-in-the-call'],
    tests: [
      test('sip/mid-call.test.ts', 'comes back so to the buyer too'),
      test('sip/relayed-status.test.ts', 'is one that the client can send, whatever was told'),
    ],
  },
  {
    id: 'mid-glare',
    rule: 'Of two offers that cross the second is answered 491',
    scenarios: ['offers-cross', 'offered-twice'],
  },
  {
    id: 'mid-bye',
    rule: 'BYE is answered at once, also when both sides hang up; of a call that nobody knows 481',
    scenarios: [
      'buyer-hangs-up-first',
      'byes-cross',
      'bye-again',
      'bye-refused',
      'unknown-dialog',
      'nothing-known-expect-481',
    ],
  },
]
