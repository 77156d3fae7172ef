import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  explainCall,
  type Explained,
  type LoggedPostback,
  POSTBACK_IN_WORDS,
} from '../../src/domain/explain.ts'
import { LEFT_OUT_IN_WORDS } from '../../src/domain/left-out.ts'
import { aPostbackGroup } from '../support/flow.ts'

const AT = new Date('2026-03-01T12:10:00Z')
const call: Explained = {
  conversion: 'not_converted',
  reason: 'no_postback',
  campaignId: 'solar',
  connectedSeconds: 78,
  settleAt: AT,
  settledAt: AT,
  revenue: undefined,
  payout: undefined,
  late: false,
  conversionName: undefined,
  group: aPostbackGroup({ dedupeSeconds: 3600 }),
  leftOut: [],
  postbacks: [],
}
const duration = {
  kind: 'duration',
  groupId: 'long-calls',
  filters: {},
  dedupeSeconds: 0,
  conversions: [
    { name: '120s', connectedSecondsMin: 120, revenue: '20.00', payout: '10.00' },
    { name: '90s', connectedSecondsMin: 90, revenue: '20.00', payout: '10.00' },
  ],
} as const
const postback = (query: string, reason: string, at = '2026-03-01T12:14:07Z'): LoggedPostback => ({
  receivedAt: new Date(at),
  status: 'refused',
  reason,
  query,
  body: '',
})
const money = { revenue: '10.00', payout: '8.00', conversion: 'converted' } as const

describe('explainCall (B15)', () => {
  it.each<[Partial<Explained>, string]>([
    [{}, 'not converted: no postback before 2026-03-01T12:10:00Z'],
    [{ reason: 'not_connected' }, 'not converted: no buyer answered'],
    [
      {
        reason: 'not_connected',
        leftOut: [
          { at: AT, reason: 'paused', buyers: ['a', 'b'], count: 2 },
          { at: AT, reason: 'filtered', buyers: ['c', 'd', 'e', 'f'], count: 4 },
        ],
      },
      'not converted: no buyer answered; left out: a, b (paused), 4 buyers (filtered)',
    ],
    [
      { postbacks: [postback('revenue=[revenue]', 'unreplaced_macro')] },
      'not converted: no postback before 2026-03-01T12:10:00Z; one arrived at 2026-03-01T12:14:07Z with unreplaced macro [revenue]',
    ],
    [
      { postbacks: [postback('revenue=%%amount%%', 'unreplaced_macro')] },
      'not converted: no postback before 2026-03-01T12:10:00Z; one arrived at 2026-03-01T12:14:07Z with unreplaced macro %%amount%%',
    ],
    [
      {
        postbacks: [
          postback('stage=1', 'no_trigger', '2026-03-01T12:01:00Z'),
          postback('revenue=10%2C50', 'wrong_decimal_separator'),
        ],
      },
      'not converted: no postback before 2026-03-01T12:10:00Z; the last of 2 arrived at 2026-03-01T12:14:07Z with a decimal separator other than a point 10,50',
    ],
    [
      { postbacks: [postback('revenue=10', 'leg_not_bridged')] },
      'not converted: no postback before 2026-03-01T12:10:00Z; one arrived at 2026-03-01T12:14:07Z with the key of a buyer that did not get the call',
    ],
    [{ reason: 'too_short', group: duration }, 'not converted: 12 s short of 90 s'],
    [{ reason: 'not_connected' }, 'not converted: no buyer answered'],
    [
      { reason: 'no_conversion_group', group: undefined },
      'not converted: no conversion group of campaign solar applies to this call',
    ],
    [
      { reason: 'duplicate_caller' },
      'not converted: the same caller has converted in group sales within the 3600 s before',
    ],
    [
      { conversion: 'pending', reason: undefined },
      'not decided: waits for a postback until 2026-03-01T12:10:00Z',
    ],
    [{ conversion: 'undecided', reason: undefined }, 'not decided: the call is in progress'],
    [
      { ...money, reason: 'posted_revenue' },
      'converted: a revenue was posted: revenue 10.00, payout 8.00',
    ],
    [
      { ...money, reason: 'trigger', conversionName: 'flat', late: true },
      'converted late: trigger of "flat" was posted: revenue 10.00, payout 8.00',
    ],
    [
      { ...money, reason: 'duration', conversionName: '60s' },
      'converted: 78 s connected reach "60s": revenue 10.00, payout 8.00',
    ],
    [
      { ...money, reason: 'reversed', revenue: '0.00', payout: '0.00' },
      'converted: and taken back: revenue 0.00, payout 0.00',
    ],
    [
      { ...money, reason: 'corrected' },
      'converted: the value was corrected: revenue 10.00, payout 8.00',
    ],
  ])('%j: %s', (overrides, sentence) => {
    expect(explainCall({ ...call, ...overrides })).toBe(sentence)
  })
})

describe('docs/reasons.md', () => {
  it('has a section for every reason, and for no other', () => {
    const text = readFileSync('docs/reasons.md', 'utf8')
    const sections = [...text.matchAll(/^### `(\w+)`$/gm)].map(([, reason = '']) => reason)
    const reasons = Object.keys({ ...POSTBACK_IN_WORDS, ...LEFT_OUT_IN_WORDS })
    expect(sections.toSorted()).toEqual(reasons.toSorted())
  })

  it('says in each what to do', () => {
    const [, ...sections] = readFileSync('docs/reasons.md', 'utf8').split(/^### /m)
    const silent = sections.filter((section) => !section.includes('**Do:**'))
    expect(silent.map((section) => section.split('\n')[0])).toEqual([])
  })
})
