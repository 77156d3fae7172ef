import { describe, expect, it } from 'vitest'
import type { PostbackConversion, PostbackGroup } from '../../src/domain/conversion-group.ts'
import { parsePostback, type Postback } from '../../src/domain/postback.ts'
import {
  applyDecision,
  NOTHING_DECIDED,
  type SettlementFacts,
  type SettlementState,
  WITHDRAWN,
} from '../../src/domain/settlement.ts'
import { decidePostback } from '../../src/domain/settlement-postback.ts'
import { aPostbackGroup, flatSale, posted } from '../support/flow.ts'

const FACTS: SettlementFacts = {
  digits: 2,
  hasEarlierConversion: false,
  appliedTxids: [],
  isAfterLateLimit: false,
}
const PENDING: SettlementState = { ...NOTHING_DECIDED, conversion: 'pending' }
const EXPIRED: SettlementState = { ...NOTHING_DECIDED, revision: 1, conversion: 'not_converted' }

function postbackOf(query: string): Postback {
  const parsed = parsePostback({ query, body: '' })
  if (parsed.kind === 'malformed') throw new Error(parsed.reason)
  return parsed.postback
}

/** What each postback of a history does, as `status reason revenue payout`. */
function play(group: PostbackGroup, history: readonly string[], state = PENDING): string[] {
  return history.map((query) => {
    const { status, reason, decision } = decidePostback(group, state, postbackOf(query), FACTS)
    if (decision) state = applyDecision(state, decision)
    return [status, reason, decision?.revenue, decision?.payout].filter(Boolean).join(' ')
  })
}

const zeroConverts: PostbackConversion = {
  kind: 'posted',
  name: 'posted',
  payoutModifier: [],
  zeroConverts: true,
  onRepeat: 'adjust',
}

describe('decidePostback', () => {
  it.each<[string, PostbackGroup, readonly string[], readonly string[]]>([
    [
      'a URL with a trigger and revenue=0 in it, posted twice, is a repeat and no reversal (B12)',
      aPostbackGroup(),
      ['sale=true&revenue=0', 'sale=true&revenue=0'],
      ['converted trigger 25.00 20.00', 'duplicate same_value'],
    ],
    [
      'a zero that converts, posted twice, is a repeat (B4, B12)',
      aPostbackGroup({ conversions: [zeroConverts] }),
      ['revenue=0', 'revenue=0.00'],
      ['converted posted_revenue 0.00 0.00', 'duplicate same_value'],
    ],
    [
      'a zero that could convert takes back what has converted with another value (B12)',
      aPostbackGroup({ conversions: [zeroConverts] }),
      ['revenue=10', 'revenue=0', 'revenue=0'],
      [
        'converted posted_revenue 10.00 10.00',
        'adjusted reversed 0.00 0.00',
        'duplicate same_value',
      ],
    ],
    [
      'what was taken back may be posted again (B12)',
      aPostbackGroup(),
      ['revenue=10', 'reversed=true', 'reversed=true', 'revenue=10'],
      [
        'converted posted_revenue 10.00 8.00',
        'adjusted reversed 0.00 0.00',
        'duplicate same_value',
        'adjusted corrected 10.00 8.00',
      ],
    ],
    [
      'nothing is taken back before there is something (B12)',
      aPostbackGroup(),
      ['reversed=true', 'revenue=0'],
      ['pending nothing_to_reverse', 'pending zero_revenue'],
    ],
    [
      'a revenue that rounds up to more than there is room for is refused',
      aPostbackGroup({ conversions: [posted('')] }),
      ['revenue=999999999999.994', 'revenue=999999999999.995'],
      ['converted posted_revenue 999999999999.99 999999999999.99', 'refused amount_too_large'],
    ],
    [
      'a payout that a modifier makes too large is refused, first or later',
      aPostbackGroup({ conversions: [posted('*1000')] }),
      ['revenue=1000000000', 'revenue=1', 'revenue=1000000000'],
      [
        'refused amount_too_large',
        'converted posted_revenue 1.00 1000.00',
        'refused amount_too_large',
      ],
    ],
    [
      'a parameter behind a wrong separator is named',
      aPostbackGroup({ conversions: [posted('')] }),
      ['x=1;revenue=10', 'x=1&amp;revenue=10', 'x=1?revenue=10', 'x=1'],
      [
        'pending wrong_separator',
        'pending wrong_separator',
        'pending wrong_separator',
        'pending no_trigger',
      ],
    ],
    [
      'the first conversion in order that matches decides (B6)',
      aPostbackGroup({ conversions: [posted(''), flatSale] }),
      ['sale=true&revenue=7', 'sale=true'],
      ['converted posted_revenue 7.00 7.00', 'adjusted corrected 25.00 20.00'],
    ],
  ])('%s', (_, group, history, expected) => {
    expect(play(group, history)).toEqual(expected)
  })

  it('calls a conversion after the timeout late and announces it alone (B11)', () => {
    const { decision } = decidePostback(aPostbackGroup(), EXPIRED, postbackOf('revenue=1'), FACTS)
    expect(decision).toMatchObject({
      kind: 'late_conversion',
      late: true,
      triggers: ['converted'],
    })
  })

  it('keeps a late conversion late when it is corrected (B11, B12)', () => {
    const late: SettlementState = { ...EXPIRED, conversion: 'converted', late: true, basis: 'x' }
    const { decision } = decidePostback(aPostbackGroup(), late, postbackOf('revenue=1'), FACTS)
    expect(decision).toMatchObject({ kind: 'adjustment', late: true, triggers: ['adjusted'] })
  })

  it.each([
    { query: 'sale=true', facts: {}, expected: 'adjusted corrected 25.00' },
    { query: 'note=hello', facts: {}, expected: 'ignored no_trigger ' },
    { query: 'reversed=true', facts: {}, expected: 'ignored nothing_to_reverse ' },
    {
      query: 'sale=true',
      facts: { isAfterLateLimit: true },
      expected: 'too_late after_late_limit ',
    },
    {
      query: 'sale=true',
      facts: { hasEarlierConversion: true },
      expected: 'duplicate duplicate_caller ',
    },
  ])(
    'a call whose conversion was withdrawn takes $query as one that has not converted, given $facts (B11, B13)',
    ({ query, facts, expected }) => {
      const withdrawn: SettlementState = {
        ...EXPIRED,
        conversion: 'converted',
        conversionName: 'flat',
        basis: WITHDRAWN,
      }
      const group = aPostbackGroup({ conversions: [{ ...flatSale, onRepeat: 'first' }] })
      const known = { ...FACTS, ...facts }
      const { status, reason, decision } = decidePostback(
        group,
        withdrawn,
        postbackOf(query),
        known,
      )
      expect(`${status} ${reason} ${decision?.revenue ?? ''}`).toBe(expected)
      expect(decision?.kind ?? 'adjustment').toBe('adjustment')
    },
  )
})
