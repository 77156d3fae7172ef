import { describe, expect, it } from 'vitest'
import {
  parseCampaignRules,
  parseConfigurationDocument,
} from '../../src/domain/configuration-document.ts'
import {
  aBuyerDocument,
  aCampaignDocument,
  aConfiguration,
  problemsOf,
  withCampaign,
} from '../support/configuration.ts'

describe('parseConfigurationDocument', () => {
  it('reads the example of the documentation', () => {
    const parsed = parseConfigurationDocument({
      publishers: [{ id: 'acme-media', name: 'Acme Media' }],
      buyers: [
        {
          id: 'solar-direct',
          name: 'Solar Direct',
          endpoint: 'sip:sales@198.51.100.7:5060',
          auth: { username: 'u', password: 'p' },
          ring_timeout_seconds: 20,
          setup_timeout_seconds: 4,
          max_call_seconds: 1800,
          ping_seconds: 30,
          uuid_format: 'compact',
          headers: { 'X-Campaign': '[campaign_id]' },
          caps: { concurrent: 10, hourly: 100, daily: 500, monthly: 9000, total: 50000 },
          hours: { time_zone: 'America/New_York', open: ['mon-fri 09:00-17:30'] },
          pass_headers: ['Diversion', 'X-Lead'],
          paused: true,
          trusted: true,
          numbers: { format: 'national', country: 'US', prefix: '9', user_phone: true },
        },
      ],
      trunks: [
        {
          id: 'carrier-a',
          allow: ['203.0.113.0/24'],
          gateway: 'sip:203.0.113.10:5060',
          digest: { username: 'carrier', password: 's3' },
          allowed_prefixes: ['+1'],
          numbers: { format: 'e164', country: 'US', dialled: 'to', prefix: '00' },
          trusted: false,
          calls_per_second: 50,
          concurrent: 200,
          per_caller: { calls_per_second: 0.1, concurrent: 2 },
          per_number: { concurrent: 20 },
        },
      ],
      campaigns: [
        {
          id: 'solar',
          name: 'Solar leads',
          currency: 'USD',
          max_call_seconds: 3600,
          repeat_callers: 'same_buyer',
          numbers: [{ number: '+1 (800) 555-0100', publisher: 'acme-media', sub_id: 's1' }],
          routes: [
            {
              buyer: 'solar-direct',
              priority: 2,
              weight: 3,
              ring_together: true,
              filters: { publisher: 'acme-media', caller_prefixes: ['+1212'] },
            },
          ],
          tracking_urls: [
            {
              id: 'ping',
              trigger: 'bridged',
              method: 'POST',
              buyer: 'solar-direct',
              url: 'https://crm.example/ping?from=[caller_number]',
              fire_order: 7,
              get_after_head_refused: false,
            },
          ],
          conversion_groups: [
            {
              id: 'sales',
              type: 'postback',
              filters: { buyer: 'solar-direct', publisher: 'acme-media', tags: { geo: 'us' } },
              postback_timeout_seconds: 60,
              late_limit_seconds: 3600,
              dedupe_seconds: 5,
              conversions: [
                {
                  name: 'posted',
                  value: 'posted',
                  payout_modifier: '*0.8',
                  on_repeat: 'first',
                  zero_converts: true,
                },
                {
                  name: 'flat',
                  trigger: 'sale=true',
                  match: 'parameter',
                  revenue: '25',
                  payout: '20.5',
                  on_repeat: 'reject',
                },
              ],
            },
            {
              id: 'long-calls',
              type: 'duration',
              conversions: [{ name: '90s', seconds: 90, revenue: '20.00', payout: '10.00' }],
            },
          ],
        },
      ],
    })
    expect(parsed).toMatchObject({ kind: 'configuration', warnings: [] })
    if (parsed.kind !== 'configuration') return
    expect(parsed.configuration).toEqual({
      publishers: [{ publisherId: 'acme-media', name: 'Acme Media' }],
      buyers: [
        {
          buyerId: 'solar-direct',
          name: 'Solar Direct',
          endpoint: 'sip:sales@198.51.100.7:5060',
          requestUri: 'sip:sales@198.51.100.7:5060',
          pingMs: 30_000,
          auth: { username: 'u', password: 'p' },
          ringTimeoutMs: 20_000,
          setupTimeoutMs: 4_000,
          callMsMax: 1_800_000,
          uuidFormat: 'compact',
          headers: [
            { name: 'X-Campaign', value: [{ kind: 'token', name: 'campaign_id', fallback: '' }] },
          ],
          passHeaders: ['Diversion', 'X-Lead'],
          paused: true,
          hours: {
            timeZone: 'America/New_York',
            open: [{ weekdays: [1, 2, 3, 4, 5], fromMinute: 540, untilMinute: 1050 }],
          },
          caps: { concurrent: 10, hourly: 100, daily: 500, monthly: 9_000, total: 50_000 },
          isTrusted: true,
          numbers: { format: 'national', country: 'US', prefix: '9', isMarked: true },
        },
      ],
      trunks: [
        {
          trunkId: 'carrier-a',
          allow: ['203.0.113.0/24'],
          digest: { username: 'carrier', password: 's3' },
          gateway: 'sip:203.0.113.10:5060',
          numbers: { country: 'US', dialled: 'to', prefix: '00' },
          isTrusted: false,
          callsPerSecondMax: 50,
          concurrentMax: 200,
          perCaller: { callsPerSecondMax: 0.1, concurrentMax: 2 },
          perNumber: { callsPerSecondMax: undefined, concurrentMax: 20 },
        },
      ],
      campaigns: [
        {
          campaignId: 'solar',
          name: 'Solar leads',
          currency: 'USD',
          callMsMax: 3_600_000,
          returnsCallers: true,
          numbers: [{ number: '+18005550100', publisherId: 'acme-media', subId: 's1' }],
          routes: [
            {
              buyerId: 'solar-direct',
              priority: 2,
              weight: 3,
              ringsTogether: true,
              filters: { publisherId: 'acme-media', callerPrefixes: ['+1212'] },
            },
          ],
          trackingUrls: [
            {
              trackingUrlId: 'ping',
              trigger: 'bridged',
              method: 'POST',
              template: {
                source: 'https://crm.example/ping?from=[caller_number]',
                origin: 'https://crm.example',
                host: 'crm.example',
                rest: [
                  { kind: 'text', text: '/ping?from=' },
                  { kind: 'token', name: 'caller_number', fallback: '' },
                ],
              },
              filters: { buyerId: 'solar-direct' },
              fireOrder: 7,
              getAfterHeadRefused: false,
            },
          ],
          conversionGroups: [
            {
              kind: 'postback',
              groupId: 'sales',
              filters: {
                buyerId: 'solar-direct',
                publisherId: 'acme-media',
                tags: { geo: 'us' },
              },
              dedupeSeconds: 5,
              postbackTimeoutSeconds: 60,
              lateLimitSeconds: 3600,
              conversions: [
                {
                  kind: 'posted',
                  name: 'posted',
                  payoutModifier: [
                    {
                      operator: '*',
                      operand: { numerator: 8n, denominator: 10n },
                      text: '0.8',
                    },
                  ],
                  zeroConverts: true,
                  onRepeat: 'first',
                },
                {
                  kind: 'trigger',
                  name: 'flat',
                  trigger: 'sale=true',
                  match: 'parameter',
                  revenue: '25.00',
                  payout: '20.50',
                  onRepeat: 'reject',
                },
              ],
            },
            {
              kind: 'duration',
              groupId: 'long-calls',
              filters: {},
              dedupeSeconds: 0,
              conversions: [
                { name: '90s', connectedSecondsMin: 90, revenue: '20.00', payout: '10.00' },
              ],
            },
          ],
        },
      ],
    })
  })

  it('dials a number at the gateway that reaches it', () => {
    const { configuration } = aConfiguration({
      buyers: [aBuyerDocument({ endpoint: 'tel:+1-212-555-0100', gateway: 'carrier-a' })],
      trunks: [{ id: 'carrier-a', gateway: 'sips:gw.example:5061;transport=tls' }],
    })
    expect(configuration.buyers[0]).toMatchObject({
      endpoint: 'tel:+12125550100',
      requestUri: 'sips:+12125550100@gw.example:5061;transport=tls;user=phone',
    })
  })

  it.each([
    [{}, 'sip:+442079460000@gw.example;user=phone'],
    [{ format: 'e164_plain' }, 'sip:442079460000@gw.example;user=phone'],
    [{ format: 'national', country: 'GB' }, 'sip:02079460000@gw.example;user=phone'],
    [
      { dialled_prefix: '77#', prefix: '9', user_phone: false },
      'sip:77%23+442079460000@gw.example',
    ],
  ] as const)('writes a number at the gateway as the buyer wants it: %j', (numbers, requestUri) => {
    const { configuration } = aConfiguration({
      buyers: [aBuyerDocument({ endpoint: 'tel:+442079460000', gateway: 'carrier-a', numbers })],
      trunks: [{ id: 'carrier-a', gateway: 'sip:gw.example' }],
    })
    expect(configuration.buyers[0]).toMatchObject({ requestUri })
  })

  it('never asks an endpoint whether it is there where the buyer does not want it', () => {
    const { configuration } = aConfiguration({ buyers: [aBuyerDocument({ ping_seconds: 0 })] })
    expect(configuration.buyers).toMatchObject([{ pingMs: undefined }])
  })

  it('fills in what goes without saying', () => {
    const { configuration } = aConfiguration({ trunks: [{ id: 'carrier-a' }] })
    expect(configuration.buyers).toMatchObject([
      { ringTimeoutMs: 25_000, pingMs: 60_000, uuidFormat: 'standard', headers: [], paused: false },
    ])
    expect(configuration.trunks).toEqual([
      {
        trunkId: 'carrier-a',
        allow: [],
        digest: undefined,
        gateway: undefined,
        numbers: { country: undefined, dialled: 'request_uri', prefix: '' },
        isTrusted: true,
        callsPerSecondMax: undefined,
        concurrentMax: undefined,
        perCaller: { callsPerSecondMax: undefined, concurrentMax: undefined },
        perNumber: { callsPerSecondMax: undefined, concurrentMax: undefined },
      },
    ])
    expect(configuration.campaigns).toMatchObject([
      {
        currency: 'USD',
        numbers: [{ subId: undefined }],
        routes: [{ priority: 1, weight: 1 }],
        trackingUrls: [
          { trackingUrlId: 'ping', method: 'HEAD', fireOrder: 1, getAfterHeadRefused: true },
          { trackingUrlId: 'sale', method: 'GET', fireOrder: 2 },
          { trackingUrlId: 'none', method: 'GET', fireOrder: 3 },
          { trackingUrlId: 'done', method: 'GET', fireOrder: 4 },
        ],
        conversionGroups: [
          {
            filters: {},
            dedupeSeconds: 0,
            postbackTimeoutSeconds: 600,
            lateLimitSeconds: undefined,
            conversions: [{ zeroConverts: false, onRepeat: 'adjust' }],
          },
        ],
      },
    ])
  })

  it('keeps amounts as they were written, and settles with the digits of the currency', () => {
    const conversion = { name: 'a', seconds: 9, revenue: '2500', payout: '20.0' }
    const group = { id: 'g', type: 'duration', conversions: [conversion] }
    const parsed = parseConfigurationDocument(
      withCampaign({ currency: 'JPY', conversion_groups: [group] }),
    )
    expect(parsed).toMatchObject({
      configuration: {
        campaigns: [{ conversionGroups: [{ conversions: [{ revenue: '2500', payout: '20' }] }] }],
      },
      document: { campaigns: [{ conversion_groups: [group] }] },
    })
  })

  it('takes an empty document for no configuration', () => {
    expect(parseConfigurationDocument({})).toEqual({
      kind: 'configuration',
      configuration: { publishers: [], buyers: [], trunks: [], campaigns: [] },
      document: {},
      warnings: [],
    })
  })

  it('names problems of shape and of references together', () => {
    const input = {
      publishers: [{ id: 'a', name: 5 }],
      campaigns: [{ ...aCampaignDocument(), name: null }],
    }
    expect(problemsOf(input)).toEqual([
      'publishers[0].name is not text: put it in quotes',
      'campaigns[0].name is empty: write text, or remove the line',
      'campaigns[0].numbers[0].publisher names no publisher: add "acme-media" to publishers, or correct it',
      'campaigns[0].routes[0].buyer names no buyer: add "solar-direct" to buyers, or correct it',
    ])
  })

  it('takes names that every object has for unknown', () => {
    expect(problemsOf(JSON.parse('{"__proto__": []}'))).toHaveLength(1)
    expect(problemsOf({ toString: 5 })).toEqual([
      'toString is not known: remove it, or correct its name',
    ])
    expect(problemsOf(withCampaign({ routes: [{ buyer: 'constructor' }] }))).toHaveLength(1)
  })
})

describe('parseCampaignRules', () => {
  it('reads what was stored of a campaign as the document reads it', () => {
    const { configuration, document } = aConfiguration()
    const rules: Record<string, unknown> = { ...document.campaigns?.[0] }
    delete rules['numbers']
    const { numbers, ...expected } = configuration.campaigns[0] ?? { numbers: [] }
    expect(numbers).toHaveLength(1)
    expect(parseCampaignRules(rules)).toEqual(expected)
  })

  it('says what it cannot read', () => {
    expect(() => parseCampaignRules({ id: 'a', name: 'A', currency: 'XXY' })).toThrow(
      'A stored campaign cannot be read: currency is not a currency: write its three-letter code, as in USD.',
    )
  })
})
