import { describe, expect, it } from 'vitest'
import { parseTemplate } from '../../src/domain/tokens.ts'
import { buildInviteHeaders, nextMaxForwards, passReason } from '../../src/sip/headers.ts'

import { aBuyer } from '../support/flow.ts'
import { HEADER_NAMES } from './support/service.ts'

const WITHHELD = { number: undefined, asserted: '+12125550100' }
const CALL = '019f2d6e-0000-7000-8000-00000000000a'

function template(text: string) {
  const parsed = parseTemplate(text)
  if (parsed.kind !== 'template') throw new Error(parsed.problem)
  return parsed.parts
}

function build(overrides: Partial<Parameters<typeof buildInviteHeaders>[0]> = {}) {
  return buildInviteHeaders({
    names: HEADER_NAMES,
    callUuid: CALL,
    callKey: '0101abc',
    caller: { number: '+12125550100', asserted: undefined },
    maxForwards: 69,
    buyer: aBuyer(),
    values: {},
    passed: { headers: {}, leftOut: [] },
    ...overrides,
  })
}

describe("the headers of a buyer's INVITE (B1)", () => {
  it("carry the call's UUID, the leg's key and the caller", () => {
    expect(build()).toEqual({
      headers: {
        From: '<sip:+12125550100@localhost>',
        'Max-Forwards': '69',
        'X-PH-RetreaverUUID': CALL,
        'X-PH-RetreaverKey': '0101abc',
      },
      leftOut: [],
    })
  })

  it('write the number as the buyer wants it', () => {
    const numbers = { format: 'national', country: 'US', prefix: '9', isMarked: true } as const
    const { headers } = build({ buyer: aBuyer({ numbers, isTrusted: true }) })
    expect(headers).toMatchObject({
      From: '<sip:92125550100@localhost;user=phone>',
      'P-Asserted-Identity': '<sip:92125550100@localhost;user=phone>',
    })
  })

  it('carry the UUID without hyphens where the buyer wants it so', () => {
    const { headers } = build({ buyer: aBuyer({ uuidFormat: 'compact' }) })
    expect(headers['X-PH-RetreaverUUID']).toBe('019f2d6e00007000800000000000000a')
  })

  it('name a withheld caller as RFC 3323 does', () => {
    expect(build({ caller: WITHHELD }).headers['From']).toBe(
      '"Anonymous" <sip:anonymous@anonymous.invalid>',
    )
  })

  it('tell a trusted buyer alone who a caller is that asked for privacy (RFC 3325)', () => {
    const { headers } = build({ caller: WITHHELD, buyer: aBuyer({ isTrusted: true }) })
    expect(headers).toMatchObject({
      From: '"Anonymous" <sip:anonymous@anonymous.invalid>',
      'P-Asserted-Identity': '<sip:+12125550100@localhost>',
      Privacy: 'id',
    })
    const untrusted = JSON.stringify(build({ caller: WITHHELD }).headers)
    expect(untrusted).not.toContain('2125550100')
  })

  it('assert an open number to a trusted buyer without asking for privacy', () => {
    const { headers } = build({ buyer: aBuyer({ isTrusted: true }) })
    expect(headers['P-Asserted-Identity']).toBe('<sip:+12125550100@localhost>')
    expect(headers['Privacy']).toBeUndefined()
  })

  it.each([
    ['a line break', 'v\r\nX-Evil: 1'],
    ['a NUL', 'v\0'],
    ['more than 256 characters', 'v'.repeat(257)],
  ])('leave out a value with %s', (_, value) => {
    const buyer = aBuyer({ headers: [{ name: 'X-Tag', value: template('[tag]') }] })
    const built = build({ buyer, values: { tag: value } })
    expect(built.leftOut).toEqual(['X-Tag'])
    expect(JSON.stringify(built.headers)).not.toContain('Evil')
  })

  it('cannot be overridden by the headers of a buyer', () => {
    const headers = [{ name: 'x-ph-retreaverkey', value: template('mine') }]
    const built = build({ buyer: aBuyer({ headers }) })
    expect(built.leftOut).toEqual(['x-ph-retreaverkey'])
    expect(built.headers['X-PH-RetreaverKey']).toBe('0101abc')
  })

  it('take the place of what the caller sent under the same name', () => {
    const passed = { headers: { 'x-TAG': 'theirs', 'X-Other': 'theirs' }, leftOut: ['X-Long'] }
    const buyer = aBuyer({ headers: [{ name: 'X-Tag', value: template('ours') }] })
    const built = build({ buyer, passed })
    expect(built.headers).toMatchObject({ 'X-Tag': 'ours', 'X-Other': 'theirs' })
    expect(built.headers['x-TAG']).toBeUndefined()
    expect(built.leftOut).toEqual(['X-Long'])
  })

  it('refuse a key of ours that would break the line', () => {
    expect(() => build({ callKey: 'a\r\nX-Evil: 1' })).toThrow(RangeError)
  })
})

describe('nextMaxForwards (RFC 7332)', () => {
  it.each([
    ['70', 69],
    ['1', 0],
    ['0', undefined],
    ['255', 69],
    ['x', 69],
    [undefined, 70],
  ])('of %j is %j', (value, expected) => {
    expect(nextMaxForwards({ get: () => value })).toBe(expected)
  })
})

it.each([
  ['Q.850;cause=16', { Reason: 'Q.850;cause=16' }],
  ['x\r\nX-Evil: 1', {}],
  [undefined, {}],
])('a Reason of %j passes as %j', (reason, expected) => {
  expect(passReason(reason)).toEqual(expected)
})
