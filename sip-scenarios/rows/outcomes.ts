import { type Row, test } from './row.ts'

/** What each outcome of a buyer's leg leads to. */
export const OUTCOMES: readonly Row[] = [
  {
    id: 'outcome-unreachable',
    rule: 'Transport error, or no response at all: the next buyer, and the host is spared; then 480',
    scenarios: [
      'unreachable-buyer-spared',
      'unreachable-host-given-up',
      'silent-buyer-fails-over',
      'trying-at-once',
    ],
    tests: [
      test('sip/outcomes.test.ts', 'whose port is closed is spared at once'),
      test('sip/outcomes.test.ts', 'that never answers is spared'),
      test('sip/outcomes.test.ts', 'that has just been found dead is not tried'),
    ],
  },
  {
    id: 'outcome-408-ringing',
    rule: '408 of the buyer, or rung too long: the next buyer, the host is not spared; then 480',
    scenarios: [
      'buyer-408-after-ringing',
      'buyer-408-at-once',
      'no-answer-fails-over',
      'no-answer',
    ],
  },
  {
    id: 'outcome-no-target',
    rule: '404, 410, 484, 604: the next buyer; then 404',
    scenarios: [404, 410, 484, 604].map((status) => `buyer-${status}-expect-404`),
  },
  {
    id: 'outcome-busy',
    rule: '480, 486, 600, 603, 607, 608: the next buyer; then 486 for busy, else 480',
    scenarios: [
      'buyer-busy-fails-over',
      'buyer-486-expect-486',
      'buyer-600-expect-486',
      ...[480, 603, 607, 608].map((status) => `buyer-${status}-expect-480`),
    ],
  },
  {
    id: 'outcome-487',
    rule: '487 that we did not ask for: the next buyer; then 480. 487 only for a caller that cancels',
    scenarios: ['buyer-487-expect-480', 'caller-cancels'],
  },
  {
    id: 'outcome-codec',
    rule: '415, 488, 606: the next buyer; then 488',
    scenarios: [415, 488, 606].map((status) => `buyer-${status}-expect-488`),
  },
  {
    id: 'outcome-refused',
    rule: '403, and 401 or 407 after our credentials: the next buyer; then 500',
    scenarios: [
      'buyer-403-expect-500',
      'buyer-401-expect-500',
      'buyer-407-expect-500',
      'buyer-refuses-credentials',
    ],
  },
  {
    id: 'outcome-5xx',
    rule: '500, 502, 504 and every other 5xx: the next buyer; then 500',
    scenarios: [500, 502, 504].map((status) => `buyer-${status}-expect-500`),
  },
  {
    id: 'outcome-503',
    rule: '503: the next buyer, and the host is spared as long as Retry-After says; then 480, never 503',
    scenarios: [
      'buyer-overloaded-fails-over',
      'overloaded-buyer-spared',
      'overload-not-relayed',
      'buyer-503-expect-480',
    ],
  },
  {
    id: 'outcome-loop',
    rule: '482, 483: a loop, no other buyer; the caller gets the same',
    scenarios: ['buyer-482-expect-482', 'buyer-483-expect-483'],
  },
  {
    id: 'outcome-491',
    rule: '491 to the first INVITE: the same buyer once more; then 480',
    scenarios: ['buyer-491-once', 'buyer-491-twice-expect-480'],
  },
  {
    id: 'outcome-3xx',
    rule: '3xx: never followed, its targets never told; then 480 (F48)',
    scenarios: ['redirect-not-followed'],
    tests: [test('sip/outcomes.test.ts', 'is not followed, and its target never told')],
  },
  {
    id: 'outcome-best',
    rule: 'Of several answers the caller gets the most telling: 486, 480, 488, 404, 500',
    scenarios: ['buyers-busy'],
    tests: [test('docs.test.ts', 'tells the order in which failures are preferred')],
  },
]
