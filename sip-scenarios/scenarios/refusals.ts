import type { Scenario } from '../scenario.ts'
import { NO_CALL } from './plain.ts'

/** What no call comes of. */
export const REFUSALS: readonly Scenario[] = [
  {
    name: 'unknown-number',
    proves: 'A number of no campaign is answered 404.',
    caller: 'uac-unknown-number-expect-404',
    isNumberUnknown: true,
    expected: NO_CALL,
  },
  {
    name: 'malformed-invite',
    proves: 'An INVITE on which no dialog can be built is answered 400.',
    caller: 'uac-without-contact-expect-400',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'unknown-extension',
    proves: 'An INVITE that requires what nobody knows is answered 420.',
    caller: 'uac-unknown-extension-expect-420',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'unreadable-body',
    proves: 'An INVITE whose body is no session description is answered 415.',
    caller: 'uac-unreadable-body-expect-415',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'out-of-hops',
    proves: 'A loop ends at Max-Forwards 0 with 483.',
    caller: 'uac-out-of-hops-expect-483',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'unknown-dialog',
    proves: 'A BYE of a call that nobody knows is answered 481.',
    caller: 'uac-ends-nothing-expect-481',
    expected: NO_CALL,
  },
]
