import { describe, expect, it } from 'vitest'
import type { CampaignRules } from '../../src/domain/campaign.ts'
import type { PostbackGroup } from '../../src/domain/conversion-group.ts'
import type { PastPostback } from '../../src/domain/rehearse.ts'
import {
  planReplay,
  type ReplayedCall,
  type StandingConversion,
} from '../../src/domain/replay-plan.ts'
import type { SettlementState } from '../../src/domain/settlement.ts'
import { aCampaign, aPostbackGroup } from '../support/flow.ts'

const MINUTE = 60_000
/** Minutes from the beginning of a day. */
const at = (minutes: number): Date => new Date(Date.UTC(2026, 2, 1) + minutes * MINUTE)
const CALLER = '+12125550130'

const once = (overrides: Partial<PostbackGroup> = {}): CampaignRules =>
  aCampaign({ conversionGroups: [aPostbackGroup({ dedupeSeconds: 3_600, ...overrides })] })

interface Posted {
  readonly query: string
  /** Minutes from the beginning of the day. */
  readonly at: number
  readonly foundCall?: PastPostback['foundCall']
  readonly isDuplicate?: true
}

const NOT_CONVERTED: SettlementState = {
  revision: 1,
  conversion: 'not_converted',
  conversionName: undefined,
  basis: undefined,
  late: false,
  duplicate: false,
}
const CONVERTED: SettlementState = {
  ...NOT_CONVERTED,
  conversion: 'converted',
  conversionName: 'flat',
  basis: 'trigger:flat',
}

/** A call that ended at the beginning of the day, has timed out, and got these postbacks. */
const missed = (callUuid: string, ...posted: readonly Posted[]): ReplayedCall => ({
  callUuid,
  callerNumber: CALLER,
  call: {
    publisherId: 'acme-media',
    buyerId: 'solar-direct',
    tags: {},
    endedAt: at(0),
    settleAt: at(10),
    isWaiting: false,
    connectedMs: 60_000,
    duplicate: false,
    postbacks: posted.map(({ query, at: minutes, ...more }) => ({
      postbackId: `${callUuid} ${minutes}`,
      receivedAt: at(minutes),
      text: { query, body: '' },
      foundCall: 'timed_out',
      isDuplicate: false,
      ...more,
    })),
  },
  standing: { conversion: 'not_converted', revenue: undefined, payout: undefined },
  settlement: NOT_CONVERTED,
  settledAt: at(10),
})

/** One that has converted, for 25.00 and 20.00. */
const sold = (callUuid: string, settledAt: number, ...posted: readonly Posted[]): ReplayedCall => ({
  ...missed(callUuid, ...posted),
  standing: { conversion: 'converted', revenue: '25.00', payout: '20.00' },
  settlement: CONVERTED,
  settledAt: at(settledAt),
})

const sale = (minutes: number, more: Partial<Posted> = {}): Posted => ({
  query: 'sale=true',
  at: minutes,
  ...more,
})

/** What is added and what is dated anew, a line each. */
function plan(
  calls: readonly ReplayedCall[],
  { rules = once(), standing = [] as readonly StandingConversion[], now = at(1_000) } = {},
): readonly string[] {
  const { anew, moved } = planReplay(calls, { rules, standing, note: 'again', now })
  const minutes = (instant: Date | undefined) =>
    instant === undefined ? '' : ` at ${(instant.getTime() - at(0).getTime()) / MINUTE}`
  return [
    ...anew.map(({ callUuid, decision: { kind, reason, revenue }, convertedAt }) => {
      return `${callUuid} ${kind} ${reason} ${revenue ?? ''}${minutes(convertedAt)}`
    }),
    ...moved.map(({ callUuid, convertedAt }) => `${callUuid} moved${minutes(convertedAt)}`),
  ]
}

describe('planReplay', () => {
  it.each<[string, readonly ReplayedCall[], readonly string[]]>([
    [
      'of two calls of a caller the one converts that was posted first',
      [missed('a', sale(30)), missed('b', sale(20))],
      ['b late_conversion trigger 25.00 at 20'],
    ],
    [
      'at the same moment the call that began first converts',
      [missed('b', sale(20)), missed('a', sale(20))],
      ['a late_conversion trigger 25.00 at 20'],
    ],
    [
      'two that are an hour apart convert both',
      [missed('a', sale(20)), missed('b', sale(80))],
      ['a late_conversion trigger 25.00 at 20', 'b late_conversion trigger 25.00 at 80'],
    ],
    [
      'what is refused keeps nobody else from converting',
      [missed('a', sale(20)), missed('b', sale(79)), missed('c', sale(81))],
      ['a late_conversion trigger 25.00 at 20', 'c late_conversion trigger 25.00 at 81'],
    ],
    [
      'a call that was refused converts by a later postback',
      [missed('a', sale(20)), missed('b', sale(70), { query: 'revenue=9', at: 90 })],
      ['a late_conversion trigger 25.00 at 20', 'b late_conversion posted_revenue 9.00 at 90'],
    ],
    [
      'a correction does not move the moment of the conversion',
      [missed('a', sale(20), { query: 'revenue=9', at: 200 }), missed('b', sale(190))],
      ['a late_conversion posted_revenue 9.00 at 20', 'b late_conversion trigger 25.00 at 190'],
    ],
    [
      'a conversion that the rules do not make gives way to one that they do',
      [sold('a', 20, { query: 'sale=yes', at: 20 }), missed('b', sale(30))],
      ['a adjustment reversed 0.00', 'b late_conversion trigger 25.00 at 30'],
    ],
    [
      'a call that was refused for a conversion which is not where it was converts before one half a minute later',
      [
        sold('a', 20, sale(5)),
        missed('b', sale(70, { isDuplicate: true })),
        sold('c', 70.5, sale(70.5)),
      ],
      ['b late_conversion trigger 25.00 at 70', 'c adjustment reversed 0.00', 'a moved at 5'],
    ],
    [
      'a conversion gives way to one before it',
      [missed('a', sale(20)), sold('b', 30, sale(30))],
      ['a late_conversion trigger 25.00 at 20', 'b adjustment reversed 0.00'],
    ],
    [
      'what was refused live stays behind what converted live ten seconds after, which it waited for',
      [missed('a', sale(20, { isDuplicate: true })), sold('b', 20.1, sale(20.1))],
      [],
    ],
    [
      'what was refused live because of something else comes before what converted live later',
      [missed('a', sale(20, { isDuplicate: true })), sold('b', 20.2, sale(20.2))],
      ['a late_conversion trigger 25.00 at 20', 'b adjustment reversed 0.00'],
    ],
    [
      'a call that converts by another postback now has refused nobody by it, be it seconds later',
      [
        missed('a', sale(20, { isDuplicate: true })),
        sold('b', 19.95, { query: 'sale=yes', at: 19.95 }, sale(20.05)),
      ],
      ['a late_conversion trigger 25.00 at 20', 'b adjustment reversed 0.00'],
    ],
    [
      'a conversion of the same worth at another time is dated anew, and no decision',
      [sold('a', 20, { query: 'sale=yes', at: 20 }, sale(60))],
      ['a moved at 60'],
    ],
    [
      'what its buyer has taken back was not paid, and keeps nobody from being paid',
      [missed('a', sale(20), { query: 'reversed=true', at: 25 }), missed('b', sale(30))],
      ['b late_conversion trigger 25.00 at 30'],
    ],
    [
      'callers who withhold their numbers are not taken for one',
      [missed('a', sale(20)), missed('b', sale(30))].map((call) => ({
        ...call,
        callerNumber: undefined,
      })),
      ['a late_conversion trigger 25.00 at 20', 'b late_conversion trigger 25.00 at 30'],
    ],
  ])('%s (B13)', (_, calls, expected) => {
    expect(plan(calls)).toEqual(expected)
  })

  it.each([
    { minutes: -41, expected: ['a late_conversion trigger 25.00 at 20'] },
    { minutes: -39, expected: [] },
    { minutes: 79, expected: [] },
    { minutes: 81, expected: ['a late_conversion trigger 25.00 at 20'] },
  ])(
    'leaves a conversion elsewhere, at $minutes minutes, as it is (B13)',
    ({ minutes, expected }) => {
      const known = { callUuid: 'x', callerNumber: CALLER, groupId: 'sales' }
      const standing = [{ ...known, convertedAt: at(minutes) }]
      expect(plan([missed('a', sale(20))], { standing })).toEqual(expected)
    },
  )

  it('leaves a conversion that would wait still, and converts nothing beside it', () => {
    const live = sold('a', 5, { query: 'sale=yes', at: 5, foundCall: 'waiting' })
    const standing = [{ callUuid: 'a', callerNumber: CALLER, groupId: 'sales', convertedAt: at(5) }]
    const calls = [live, missed('b', sale(8))]
    expect(plan(calls, { standing, now: at(9) })).toEqual([])
    expect(plan(calls, { standing })).toEqual([
      'a adjustment reversed 0.00',
      'b late_conversion trigger 25.00 at 8',
    ])
  })

  it('converts all where a caller may convert as often as it likes', () => {
    const rules = once({ dedupeSeconds: 0 })
    const refused = { ...sale(30), isDuplicate: true } as const
    expect(plan([sold('a', 20, sale(20)), missed('b', refused)], { rules })).toEqual([
      'b late_conversion trigger 25.00 at 30',
    ])
  })
})
