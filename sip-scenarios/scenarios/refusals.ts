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
  {
    name: 'replaces-expect-481',
    proves: "Nobody takes somebody else's place in a call: Replaces is answered 481 (RFC 3891).",
    caller: 'uac-takes-a-place-expect-481',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'contact-star-expect-400',
    proves: 'A Contact of * is answered 400 (F39).',
    caller: 'uac-contact-star-expect-400',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'tel-contact-expect-400',
    proves: 'A Contact that is a telephone number is answered 400 (F39).',
    caller: 'uac-tel-contact-expect-400',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'no-tag-expect-400',
    proves: 'A From without tag is answered 400.',
    caller: 'uac-without-tag-expect-400',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'web-page-expect-416',
    proves: 'A request URI of another scheme is answered 416.',
    caller: 'uac-dials-a-web-page-expect-416',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'no-user-expect-404',
    proves: 'A request URI without user is answered 404.',
    caller: 'uac-dials-nobody-expect-404',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'large-body-expect-513',
    proves: 'A body of more than 8,000 bytes is answered 513.',
    caller: 'uac-sends-a-large-body-expect-513',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'large-headers-expect-513',
    proves: 'Headers of more than 6,000 bytes are answered 513.',
    caller: 'uac-sends-large-headers-expect-513',
    buyers: ['not-called'],
    expected: NO_CALL,
  },
  {
    name: 'nothing-known-expect-481',
    proves: 'CANCEL, UPDATE and re-INVITE of a call that nobody knows are answered 481.',
    caller: 'uac-speaks-of-nothing-expect-481',
    expected: NO_CALL,
  },
]
