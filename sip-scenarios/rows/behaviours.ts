import { type Row, test } from './row.ts'

/** What good back-to-back user agents get right. */
export const BEHAVIOURS: readonly Row[] = [
  {
    id: 'behaviour-crossing-2xx',
    rule: '1. A 2xx that crosses a CANCEL gets ACK and BYE',
    scenarios: ['cancel-crosses-answer', 'race-crosses-answer'],
    tests: [
      test('sip/dial.test.ts', 'hangs up a buyer whose answer comes after'),
      test('sip/srf.test.ts', "a CANCEL that crosses our 200 is the caller's"),
    ],
  },
  {
    id: 'behaviour-invite-again',
    rule: '2. An INVITE that comes again gets the same answer and is one call',
    scenarios: ['refused-invite-again', 'repeated-invite', 'merged-invite-expect-482'],
    tests: [test('sip/reception.test.ts', 'on another branch after our answer')],
  },
  {
    id: 'behaviour-2xx-repeated',
    rule: '3. A 2xx is repeated until its ACK, and the call is hung up when that never comes',
    scenarios: ['lost-200', 'lost-invite-and-ack'],
    tests: [test('conformance/cases/incoming.ts', 'a 200 is repeated until its ACK')],
  },
  {
    id: 'behaviour-fail-over',
    rule: '4. Buyers are tried in turn; early media, a CANCEL and a loop stop that; the best failure is passed on',
    scenarios: [
      'buyer-busy-fails-over',
      'early-media-held-back',
      'caller-cancels',
      'buyers-busy',
      'buyer-482-expect-482',
    ],
  },
  {
    id: 'behaviour-bye',
    rule: '5. BYE passes on with its Reason, and what the call held is given back once',
    scenarios: ['reason-relayed', 'buyer-hangs-up-first', 'trunk-full-expect-486'],
    tests: [
      test('sip/trunk-limits.test.ts', 'gives a place back once'),
      test('sip/reception.test.ts', 'hears 486 while it has as many calls'),
    ],
  },
  {
    id: 'behaviour-offers',
    rule: '6. A re-INVITE without offer, and a first offer to listen only',
    scenarios: ['offer-asked-for', 'offer-to-listen', 'delayed-offer'],
    tests: [test('sip/mid-call.test.ts', 'that was asked for and is not wanted any more')],
  },
  {
    id: 'behaviour-replaces',
    rule: '7. Replaces takes over nobody: 481, whether there is such a call or not; what else is required is refused with 420',
    scenarios: ['replaces-expect-481', 'unknown-extension'],
    tests: [test('sip/admission.test.ts', 'a Require that we do not know')],
  },
  {
    id: 'behaviour-dead-calls',
    rule: '8. Dead calls end: by their longest time, when a side does not know them any more, when we have failed, or when the SIP server has vanished',
    scenarios: ['call-too-long', 'call-forgotten'],
    tests: [
      test('sip/invite.test.ts', 'is refused with 500, ended, and leaves nothing behind'),
      test('sip/bridged-call.test.ts', 'a mistake while they are connected hangs up both'),
      test(
        'sip/vanished-server.test.ts',
        'a call whose SIP server vanishes without a word ends at its last sign of life',
      ),
    ],
  },
  {
    id: 'behaviour-addresses',
    rule: '9. Trunks are known by their address, with a password where they have one',
    scenarios: [
      'stranger-expect-403',
      'trunk-password-by-md5',
      'trunk-password-by-sha256',
      'trunk-guessed-expect-401',
      'trunk-nonce-stale-expect-401',
    ],
  },
  {
    id: 'behaviour-sanity',
    rule: '10. What no dialog can be built on is refused; hops are counted; a preloaded Route is dropped; no user is 404',
    scenarios: [
      'malformed-invite',
      'contact-star-expect-400',
      'tel-contact-expect-400',
      'no-tag-expect-400',
      'web-page-expect-416',
      'out-of-hops',
      'headers-injected',
      'no-user-expect-404',
    ],
    tests: [
      test('sip/admission.test.ts', 'no Contact'),
      test('sip/headers.test.ts', 'nextMaxForwards (RFC 7332)'),
    ],
  },
  {
    id: 'behaviour-loops',
    rule: '11. Our own call that comes back is 482, a full trunk 486, a fast one 503, a caller or number beyond its limits 486, an unknown number 404, a database that is away 503',
    scenarios: [
      'our-call-comes-back-expect-482',
      'diverted-in-circles-expect-482',
      'buyer-is-ourselves',
      'trunk-full-expect-486',
      'trunk-too-fast-expect-503',
      'caller-full-expect-486',
      'number-too-fast-expect-486',
      'unknown-number',
    ],
    tests: [
      test('sip/trunk-limits.test.ts', 'makes calls as often as the trunk lets one'),
      test('sip/trunk-limits.test.ts', 'has one count for all of them'),
      test('sip/reception.test.ts', 'hears 486 for a caller who has as many calls'),
      test('sip/reception.test.ts', 'a call that we sent out'),
      test('sip/controller.test.ts', 'refuses a call that cannot be stored with 503'),
      test('sip/reception.test.ts', 'hears 503 for every call that cannot be stored'),
    ],
  },
  {
    id: 'behaviour-draining',
    rule: '12. Told to stop, it takes no new calls and leaves when the live ones are over',
    tests: [
      test('end-to-end/stop.test.ts', 'a service that is told to stop lets a live call go on'),
      test('sip/controller.test.ts', 'takes no new calls while draining'),
    ],
  },
  {
    id: 'behaviour-challenge',
    rule: '13. A challenge that is not answered is no call',
    scenarios: ['trunk-challenged-expect-401'],
  },
  {
    id: 'behaviour-options',
    rule: '14. OPTIONS is answered, BYE of an unknown call is 481',
    scenarios: ['options', 'unknown-dialog'],
  },
  {
    id: 'behaviour-session',
    rule: '15. The session description of early media and of the answer are those of the buyer that plays and answers',
    scenarios: ['early-media', 'fork-answers', 'complete'],
  },
]

/** What strangers and careless peers send. */
export const BAD_INPUT: readonly Row[] = [
  {
    id: 'bad-contact',
    rule: 'F39: Contact that is a star, a telephone number or missing',
    scenarios: [
      'contact-star-expect-400',
      'tel-contact-expect-400',
      'malformed-invite',
      'offer-without-contact',
    ],
    tests: [test('sip/invite.test.ts', 'that answers our offer')],
  },
  {
    id: 'bad-injection',
    rule: 'F43: headers put into names, numbers and values',
    scenarios: ['headers-injected'],
    tests: [test('sip/hostile.test.ts', 'holds nothing of a name with')],
  },
  {
    id: 'bad-spoofing',
    rule: 'F44: X-PH headers of the caller, in every spelling',
    scenarios: ['forged-headers'],
    tests: [test('sip/hostile.test.ts', 'never holds what the caller writes')],
  },
  {
    id: 'bad-flood',
    rule: 'F45: a flood of a stranger leaves a trunk its calls',
    tests: [test('end-to-end/flood.test.ts', '2,000 INVITEs a second of a stranger')],
  },
  {
    id: 'bad-scan',
    rule: 'F46: a scan gets 403 without a banner, and nobody is dialled',
    scenarios: ['stranger-expect-403'],
    tests: [test('sip/hostile.test.ts', 'that tries %s without being a trunk')],
  },
  {
    id: 'bad-repeats',
    rule: 'F47: repeated messages, crossing ones and lost ones leave one call behind',
    scenarios: [
      'repeated-invite',
      'lost-200',
      'lost-invite-and-ack',
      'cancel-crosses-answer',
      'byes-cross',
      'offers-cross',
    ],
  },
  {
    id: 'bad-transfer',
    rule: 'F48: redirects and transfers to premium numbers',
    scenarios: ['redirect-not-followed', 'transfer-refused', 'buyer-transfer-refused'],
  },
  {
    id: 'bad-size',
    rule: 'Bodies over 8,000 bytes and headers over 6,000',
    scenarios: ['large-body-expect-513', 'large-headers-expect-513'],
  },
  {
    id: 'bad-peers',
    rule: 'Phones that know no rules: no process ends, no call is left behind, no host is held for dead because of a caller',
    scenarios: ['nonsense-offered-expect-488'],
    tests: [
      test('sip/hostile-peers.test.ts', 'phones that know no rules end no process'),
      test('sip/invite.test.ts', 'of a caller is for the buyer to judge'),
    ],
  },
  {
    id: 'bad-length',
    rule: 'Text of strangers is read in time that is in proportion to its length',
    tests: [test('sip/hostile-headers.test.ts', 'takes time in proportion to what a stranger')],
  },
  {
    id: 'bad-credentials',
    rule: 'Credentials without a nonce of ours count against nobody and are told nothing',
    tests: [
      test('sip/digest-gate.test.ts', 'counts against nobody what was not asked for'),
      test('sip/digest-gate.test.ts', 'says of no password whether it is right'),
    ],
  },
  {
    id: 'bad-identity',
    rule: 'Who a caller is: asserted by whom we trust, withheld from whom it is withheld',
    scenarios: [
      'number-asserted',
      'number-not-believed',
      'withheld-number',
      'withheld-number-told',
    ],
    tests: [
      test('sip/reception.test.ts', 'that is private reaches a trusted buyer alone'),
      test('sip/caller-id.test.ts', 'a host alone'),
    ],
  },
]
