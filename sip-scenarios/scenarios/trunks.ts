import type { Scenario } from '../scenario.ts'
import { callFrom, NO_CALL, PLAIN } from './plain.ts'

const DIGEST = { username: 'carrier', password: 'open-sesame' }

/** Who may call, and how trunks write numbers. Callers have addresses of their own. */
export const TRUNKS: readonly Scenario[] = [
  {
    name: 'stranger-expect-403',
    proves: 'An address of no trunk is answered 403, without a word about who we are.',
    from: 'stranger',
    caller: 'uac-is-a-stranger-expect-403',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'trunk-password-by-md5',
    proves: 'A trunk that answers its challenge by MD5 is let in.',
    from: { digest: DIGEST },
    caller: 'uac-shows-credentials-by-md5-expect-200',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'trunk-password-by-sha256',
    proves: 'A trunk that answers its challenge by SHA-256 is let in.',
    from: { digest: DIGEST },
    caller: 'uac-shows-credentials-by-sha256-expect-200',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'trunk-guessed-expect-401',
    proves: 'A wrong password and an unknown user are answered alike.',
    from: { digest: DIGEST },
    caller: 'uac-guesses-credentials-expect-401',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'trunk-challenged-expect-401',
    proves: 'A challenge that is not answered is no call and leaves nothing behind.',
    from: { digest: DIGEST },
    caller: 'uac-is-challenged-expect-401',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'trunk-nonce-stale-expect-401',
    proves: 'Right credentials with an old nonce are told that it is stale (SHA-256).',
    from: { digest: DIGEST },
    caller: 'uac-shows-an-old-nonce-expect-401',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'trunk-too-fast-expect-503',
    proves: "Beyond the trunk's calls a second comes 503 with Retry-After.",
    from: { calls_per_second: 1 },
    caller: 'uac-calls-too-fast-expect-503',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'trunk-full-expect-486',
    proves: "Beyond the trunk's calls at the same time comes 486.",
    from: { concurrent: 1 },
    caller: 'uac-calls-too-often-expect-486',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'number-in-to',
    proves: 'The dialled number is found in To where the trunk puts it there.',
    from: { numbers: { dialled: 'to' } },
    caller: 'uac-dials-in-to-expect-200',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'number-in-diversion',
    proves: 'The dialled number is found in Diversion, behind the prefix, in national writing.',
    from: { numbers: { dialled: 'diversion', prefix: '9911', country: 'US' } },
    caller: 'uac-dials-in-diversion-expect-200',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'number-asserted',
    proves: 'The number that a trusted trunk asserts is the caller.',
    from: { trusted: true },
    caller: 'uac-asserts-its-number-expect-200',
    buyers: ['uas-answers'],
    expected: PLAIN,
  },
  {
    name: 'number-not-believed',
    proves: 'What a trunk asserts that is not trusted counts for nothing: From does.',
    from: { trusted: false },
    caller: 'uac-asserts-its-number-expect-200',
    buyers: ['uas-answers'],
    expected: callFrom('+12129990000'),
  },
]
