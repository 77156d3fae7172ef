import type { ConversionGroupDocument } from '../../src/domain/configuration-schema.ts'
import type { Expected, ExpectedCall, PostbackStep, Scenario } from '../scenario.ts'
import { PLAIN, PLAIN_CALL } from './plain.ts'

function postbackGroup(timeoutSeconds: number): ConversionGroupDocument {
  return {
    id: 'sales',
    type: 'postback',
    postback_timeout_seconds: timeoutSeconds,
    conversions: [
      { name: 'posted', value: 'posted', payout_modifier: '*0.8' },
      { name: 'flat', trigger: 'sale=true', revenue: '25.00', payout: '20.00' },
    ],
  }
}

/** Long enough for everything a scenario does. */
const PATIENT = { groups: [postbackGroup(600)] }
/** Settles by itself as soon as the call is over. */
const HASTY = { groups: [postbackGroup(1)] }

const TEN: PostbackStep = {
  when: 'ended',
  query: 'revenue=10.00',
  answer: '200 converted posted_revenue',
}

const SOLD: ExpectedCall = {
  ...PLAIN_CALL,
  conversion: 'converted',
  reason: 'posted_revenue',
  revenue: '10.00',
  payout: '8.00',
  ledger: ['settlement converted 10.00 8.00'],
}

const UNTIL_HANG_UP = [
  'GET /start',
  'GET /selected?buyer=1',
  'HEAD /bridged?from=caller',
  'GET /finished?by=caller&status=200',
]
const SALE = 'GET /converted?revenue=10.00&payout=8.00&late=false'

const converted = (call: ExpectedCall, ...requests: readonly string[]): Expected => ({
  call,
  requests: [...UNTIL_HANG_UP, ...requests],
})

const ANSWERED = { caller: 'uac-hangs-up-expect-200', buyers: ['uas-answers'] } as const

/** What a call is worth, and who is told. */
export const MONEY: readonly Scenario[] = [
  {
    ...ANSWERED,
    name: 'postback-in-time',
    proves: 'Revenue posted inside the window converts at once: 10.00 pays 8.00 (B4, B5, B9).',
    configuration: PATIENT,
    postbacks: [TEN],
    expected: converted(SOLD, SALE),
  },
  {
    ...ANSWERED,
    name: 'postback-during-call',
    proves: 'Revenue posted during the call is kept and applied at hang-up (B9).',
    caller: 'uac-talks-on-expect-200',
    configuration: PATIENT,
    postbacks: [{ ...TEN, when: 'bridged', answer: '200 pending call_in_progress' }],
    expected: converted(SOLD, SALE),
  },
  {
    ...ANSWERED,
    name: 'silence-settles',
    proves: 'With no postback until the timeout the call has not converted (B10).',
    configuration: HASTY,
    expected: {
      call: { ...PLAIN_CALL, reason: 'no_postback' },
      requests: PLAIN.requests,
    },
  },
  {
    ...ANSWERED,
    name: 'late-postback',
    proves: 'Revenue posted after the timeout converts late; nothing is told twice (B11).',
    configuration: HASTY,
    postbacks: [{ ...TEN, when: 'settled' }],
    expected: converted(
      { ...SOLD, ledger: ['settlement not_converted', 'late_conversion converted 10.00 8.00'] },
      'GET /not_converted',
      'GET /converted?revenue=10.00&payout=8.00&late=true',
    ),
  },
  {
    ...ANSWERED,
    name: 'trigger-string',
    proves: "A trigger in the postback's URL converts with the fixed amounts (B6).",
    configuration: PATIENT,
    postbacks: [
      { when: 'ended', query: 'sale=false', answer: '200 pending no_trigger' },
      { when: 'ended', query: 'order=7&sale=true', answer: '200 converted trigger' },
    ],
    expected: converted(
      {
        ...SOLD,
        reason: 'trigger',
        revenue: '25.00',
        payout: '20.00',
        ledger: ['settlement converted 25.00 20.00'],
      },
      'GET /converted?revenue=25.00&payout=20.00&late=false',
    ),
  },
  {
    ...ANSWERED,
    name: 'repeated-postback',
    proves: 'The same value again sends nothing; another one adjusts the amounts (B12).',
    configuration: PATIENT,
    postbacks: [
      TEN,
      { ...TEN, answer: '200 duplicate same_value' },
      { ...TEN, query: 'revenue=20.00', answer: '200 adjusted corrected' },
    ],
    expected: converted(
      {
        ...SOLD,
        reason: 'corrected',
        revenue: '20.00',
        payout: '16.00',
        ledger: ['settlement converted 10.00 8.00', 'adjustment converted 20.00 16.00'],
      },
      SALE,
      'GET /adjusted?revenue=20.00&payout=16.00',
    ),
  },
  {
    ...ANSWERED,
    name: 'refused-postbacks',
    proves: 'A wrong key and a malformed value change nothing; the right one then does (B4, B7).',
    configuration: PATIENT,
    postbacks: [
      { ...TEN, key: 'wrong', answer: '403 refused wrong_key' },
      { ...TEN, query: 'revenue=10,00', answer: '400 refused wrong_decimal_separator' },
      TEN,
    ],
    expected: converted(SOLD, SALE),
  },
  {
    ...ANSWERED,
    name: 'long-call-converts',
    proves: 'A call that lasts long enough converts at hang-up (B13).',
    caller: 'uac-talks-on-expect-200',
    configuration: {
      groups: [
        {
          id: 'long-calls',
          type: 'duration',
          conversions: [{ name: '2s', seconds: 2, revenue: '12.00', payout: '6.00' }],
        },
      ],
    },
    expected: converted(
      {
        ...SOLD,
        reason: 'duration',
        revenue: '12.00',
        payout: '6.00',
        ledger: ['settlement converted 12.00 6.00'],
      },
      'GET /converted?revenue=12.00&payout=6.00&late=false',
    ),
  },
]
