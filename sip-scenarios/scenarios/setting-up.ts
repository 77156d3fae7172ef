import type { Scenario } from '../scenario.ts'
import { CANCELLED, PLAIN, PLAIN_CALL, refused, failedOver } from './plain.ts'

const AUTH = { username: 'bridge', password: 'open-sesame' }

/** What happens until a buyer answers: ringing, early media, credentials, giving up. */
export const SETTING_UP: readonly Scenario[] = [
  {
    name: 'trying-at-once',
    proves:
      '100 comes at once, no ringing is made up, and a last buyer that is silent ends with 480.',
    caller: 'uac-hears-trying-expect-480',
    buyers: ['silent'],
    configuration: { buyer: { ring_timeout_seconds: 1 } },
    expected: refused(480, 'no_answer', '- no_answer'),
  },
  {
    name: 'forwarding-is-ringing',
    proves: '181, 182 and 180 of a buyer are told the caller as one 180.',
    caller: 'uac-hears-ringing-once-expect-200',
    buyers: ['uas-forwards'],
    countsCopies: true,
    expected: PLAIN,
  },
  {
    name: 'early-dialog-ended',
    proves: 'A 199 of a buyer is not made into ringing.',
    caller: 'uac-hears-no-ringing-expect-200',
    buyers: ['uas-ends-an-early-dialog'],
    expected: PLAIN,
  },
  {
    name: 'early-media-held-back',
    proves: 'Early media is not passed on while another buyer may follow, and that one can answer.',
    caller: 'uac-hears-ringing-once-expect-200',
    buyers: ['uas-early-media-then-busy', 'uas-answers'],
    expected: failedOver('486 busy'),
  },
  {
    name: 'fork-answers',
    proves:
      'A caller who heard the announcement of one phone is connected to the one that answers.',
    caller: 'uac-hears-a-fork-expect-200',
    buyers: ['uas-forks'],
    expected: PLAIN,
  },
  {
    name: 'race-crosses-answer',
    proves: 'In a ring group a 200 that crosses the CANCEL gets ACK and BYE; one ping.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-answers', 'uas-answers-the-cancel'],
    configuration: { ringTogether: true },
    expected: {
      call: { ...PLAIN_CALL, legs: ['200', '487 lost_the_race'] },
      requests: [...PLAIN.requests, 'GET /selected?buyer=2'],
    },
  },
  {
    name: 'caller-cancels-in-silence',
    proves: 'A CANCEL before any buyer rings ends the call too.',
    caller: 'uac-cancels-in-silence-expect-487',
    buyers: ['silent', 'not-called'],
    expected: CANCELLED,
  },
  {
    name: 'buyer-asks-by-sha256',
    proves: 'Of a challenge by MD5 and SHA-256 the stronger is answered.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-challenges-by-sha256'],
    configuration: { buyer: { auth: AUTH } },
    expected: PLAIN,
  },
  {
    name: 'buyer-nonce-stale',
    proves: 'A buyer that finds the nonce stale gets one more answer.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-finds-the-nonce-stale'],
    configuration: { buyer: { auth: AUTH } },
    expected: PLAIN,
  },
  {
    name: 'buyer-refuses-credentials',
    proves: 'A second challenge is the end of that buyer, and the next has the call.',
    caller: 'uac-hangs-up-expect-200',
    buyers: ['uas-refuses-credentials', 'uas-answers'],
    configuration: { buyer: { auth: AUTH } },
    expected: failedOver('407 credentials_refused'),
  },
]
