import { describe, expect, it } from 'vitest'
import { parseConfigurationDocument } from '../../src/domain/configuration-document.ts'
import { problemsOf, withBuyer, withGroup } from '../support/configuration.ts'

describe('a document that is allowed with a warning', () => {
  const warningsOf = (conversions: readonly object[]) => {
    const parsed = parseConfigurationDocument(withGroup({ conversions }))
    return parsed.kind === 'configuration'
      ? parsed.warnings.map(({ path, message }) => `${path} ${message}`)
      : problemsOf(withGroup({ conversions }))
  }
  const flat = (name: string, trigger: string, match?: string) => ({
    name,
    trigger,
    revenue: '1',
    payout: '1',
    ...(match && { match }),
  })
  const path = 'campaigns[0].conversion_groups[0].conversions'

  it('has a trigger that stands inside another (B6)', () => {
    expect(warningsOf([flat('a', 'sale=true'), flat('b', 'resale=true')])).toEqual([
      `${path}[0].trigger stands inside the trigger of ${path}[1].trigger: write match: parameter, or change one`,
    ])
  })

  it('has none where whole parameters are compared (B6)', () => {
    expect(warningsOf([flat('a', 'sale=true', 'parameter'), flat('b', 'resale=true')])).toEqual([])
  })

  it('has a second conversion for posted values (B6)', () => {
    expect(
      warningsOf([
        { name: 'a', value: 'posted' },
        { name: 'b', value: 'posted' },
      ]),
    ).toEqual([`${path}[1] is never reached: an earlier conversion takes every posted revenue`])
  })

  it.each([
    [{ prefix: '00' }, ['buyers[0].numbers.prefix']],
    [
      { prefix: '00', dialled_prefix: '77', format: 'e164' },
      ['buyers[0].numbers.prefix', 'buyers[0].numbers.dialled_prefix'],
    ],
    [{ prefix: '00', format: 'e164_plain' }, []],
    [{ user_phone: true }, []],
  ])('may have a prefix before a plus sign: %j', (numbers, paths) => {
    const message =
      'stands before a plus sign: write format: e164_plain or national, if that is not meant'
    expect(parseConfigurationDocument(withBuyer({ numbers }))).toMatchObject({
      warnings: paths.map((place) => ({ path: place, message })),
    })
  })

  it('has two trunks that show the same credentials', () => {
    const trunk = (id: string, password: string) => ({
      id,
      digest: { username: 'carrier', password },
    })
    const trunks = [trunk('a', 'one'), trunk('b', 'two'), trunk('c', 'one')]
    expect(parseConfigurationDocument({ trunks })).toMatchObject({
      warnings: [
        {
          path: 'trunks[2].digest',
          message:
            'is the same as trunks[0].digest: a call that shows it counts for the first one whose allow fits',
        },
      ],
    })
  })

  it('has a gateway that is not used', () => {
    const input = {
      ...withBuyer({ gateway: 'carrier-a' }),
      trunks: [{ id: 'carrier-a', gateway: 'sip:203.0.113.10' }],
    }
    expect(parseConfigurationDocument(input)).toMatchObject({
      warnings: [
        { path: 'buyers[0].gateway', message: 'is used for tel: endpoints only: remove it' },
      ],
    })
  })
})
