import { describe, expect, it } from 'vitest'
import {
  type CampaignVersion,
  findChanges,
  isSame,
} from '../../src/domain/configuration-changes.ts'
import type { ConfigurationDocument } from '../../src/domain/configuration-schema.ts'
import {
  aBuyerDocument,
  aCampaignDocument,
  aConfigurationDocument,
} from '../support/configuration.ts'

const before = aConfigurationDocument()
const number = { number: '+18005550100', publisher: 'acme-media' }
const otherNumber = { number: '+18005550199', publisher: 'acme-media' }

function withoutNumbers() {
  const rules = aCampaignDocument()
  delete rules.numbers
  return rules
}

const latest = new Map<string, CampaignVersion>([
  ['solar', { campaignId: 'solar', version: 3, definition: withoutNumbers() }],
])

describe('findChanges', () => {
  it.each<[string, ConfigurationDocument, readonly string[]]>([
    ['nothing', before, []],
    ['nothing but the order of keys', Object.fromEntries(Object.entries(before).toReversed()), []],
    [
      'a buyer changed',
      { ...before, buyers: [aBuyerDocument({ paused: true })] },
      ['buyer solar-direct: changed'],
    ],
    [
      'a buyer added and a publisher removed',
      { ...before, publishers: [], buyers: [aBuyerDocument(), aBuyerDocument({ id: 'second' })] },
      ['publisher acme-media: removed', 'buyer second: added'],
    ],
    ['a trunk added', { ...before, trunks: [{ id: 'carrier' }] }, ['trunk carrier: added']],
    [
      'the rules of a campaign',
      { ...before, campaigns: [aCampaignDocument({ routes: [] })] },
      ['campaign solar: version 4'],
    ],
    [
      'its numbers',
      { ...before, campaigns: [aCampaignDocument({ numbers: [otherNumber] })] },
      ['campaign solar: number +18005550199 added', 'campaign solar: number +18005550100 removed'],
    ],
    [
      'what stands beside a number',
      { ...before, campaigns: [aCampaignDocument({ numbers: [{ ...number, sub_id: 's' }] })] },
      ['campaign solar: number +18005550100 changed'],
    ],
    ['a campaign removed', { ...before, campaigns: [] }, ['campaign solar: removed']],
    [
      'a campaign added',
      { ...before, campaigns: [aCampaignDocument(), { id: 'roof', name: 'Roof' }] },
      ['campaign roof: added, version 1'],
    ],
    [
      'the order of entries',
      { ...before, campaigns: [aCampaignDocument({ numbers: [otherNumber, number] })] },
      ['campaign solar: number +18005550199 added'],
    ],
  ])('names %s', (_, after, lines) => {
    expect(findChanges(before, after, latest).lines).toEqual(lines)
  })

  it('names a change that is one of order only', () => {
    const publishers = ['a', 'b'].map((id) => ({ id, name: id }))
    const changes = findChanges({ publishers }, { publishers: publishers.toReversed() }, new Map())
    expect(changes.lines).toEqual(['order of entries: changed'])
  })

  it('makes a version, without numbers, of rules that differ from the latest only', () => {
    const campaigns = [
      aCampaignDocument({ numbers: [otherNumber] }),
      { id: 'roof', name: 'Roof', numbers: [number] },
    ]
    expect(findChanges(before, { ...before, campaigns }, latest).newVersions).toEqual([
      { campaignId: 'roof', version: 1, definition: { id: 'roof', name: 'Roof' } },
    ])
  })

  it('compares with the latest version, not with the document before', () => {
    const back = findChanges({}, before, latest)
    expect(back.newVersions).toEqual([])
    expect(back.lines.at(-1)).toBe('campaign solar: added, version 3')
  })
})

it('takes values of JSON for the same whatever the order of their keys, but not of lists', () => {
  expect(isSame({ a: 1, b: { c: [1], d: null } }, { b: { d: null, c: [1] }, a: 1 })).toBe(true)
  expect(isSame([1, 2], [2, 1])).toBe(false)
  expect(isSame({ a: 1 }, { a: '1' })).toBe(false)
  expect(isSame({ a: 1 }, {})).toBe(false)
})
