import { expect, it } from 'vitest'
import { parseConfigurationDocument } from '../../src/domain/configuration-document.ts'
import { aBuyerDocument, aCampaignDocument, aConfiguration } from '../support/configuration.ts'

it('leaves what goes without saying out of the document it keeps', () => {
  const spelled = {
    publishers: [{ id: 'acme-media', name: 'Acme Media' }],
    buyers: [
      {
        ...aBuyerDocument(),
        ring_timeout_seconds: 25,
        uuid_format: 'standard',
        headers: {},
        caps: {},
        numbers: { format: 'e164' },
        paused: false,
      },
    ],
    trunks: [{ id: 'carrier-a', allow: [], numbers: { format: 'e164' }, per_caller: {} }],
    campaigns: [
      {
        id: 'solar',
        name: 'Solar',
        currency: 'USD',
        numbers: [],
        routes: [{ buyer: 'solar-direct', priority: 1, weight: 1 }],
        tracking_urls: [
          {
            id: 'ping',
            trigger: 'bridged',
            method: 'HEAD',
            url: 'https://crm.example/',
            tags: {},
            fire_order: 1,
            get_after_head_refused: true,
          },
        ],
        conversion_groups: [
          {
            id: 'sales',
            type: 'postback',
            filters: { tags: {} },
            postback_timeout_seconds: 600,
            dedupe_seconds: 0,
            conversions: [
              {
                name: 'posted',
                value: 'posted',
                payout_modifier: '  ',
                zero_converts: false,
                on_repeat: 'adjust',
              },
              {
                name: 'flat',
                trigger: 'sale=true',
                match: 'substring',
                revenue: '25.00',
                payout: '20.00',
                on_repeat: 'adjust',
              },
            ],
          },
        ],
      },
    ],
  }
  expect(parseConfigurationDocument(spelled)).toMatchObject({ kind: 'configuration' })
  const parsed = parseConfigurationDocument(spelled)
  expect(parsed.kind === 'configuration' && parsed.document).toEqual({
    publishers: [{ id: 'acme-media', name: 'Acme Media' }],
    buyers: [aBuyerDocument()],
    trunks: [{ id: 'carrier-a' }],
    campaigns: [
      {
        id: 'solar',
        name: 'Solar',
        routes: [{ buyer: 'solar-direct' }],
        tracking_urls: [{ id: 'ping', trigger: 'bridged', url: 'https://crm.example/' }],
        conversion_groups: [
          {
            id: 'sales',
            type: 'postback',
            conversions: [
              { name: 'posted', value: 'posted' },
              { name: 'flat', trigger: 'sale=true', revenue: '25.00', payout: '20.00' },
            ],
          },
        ],
      },
    ],
  })
})

it('keeps a fire order that is not the place in the list, and a method that is not usual', () => {
  const { document } = aConfiguration({
    campaigns: [
      aCampaignDocument({
        tracking_urls: [
          { id: 'a', trigger: 'bridged', method: 'GET', url: 'https://h/', fire_order: 2 },
        ],
      }),
    ],
  })
  expect(document.campaigns?.[0]?.tracking_urls).toEqual([
    { id: 'a', trigger: 'bridged', method: 'GET', url: 'https://h/', fire_order: 2 },
  ])
})

it('keeps a document that reads as itself', () => {
  const { document } = aConfiguration()
  expect(parseConfigurationDocument(document)).toMatchObject({ kind: 'configuration', document })
})
