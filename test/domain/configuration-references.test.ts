import { expect, it } from 'vitest'
import {
  aBuyerDocument,
  aCampaignDocument,
  aConfigurationDocument,
  problemsOf,
  withBuyer,
  withCampaign,
  withConversion,
  withGroup,
  withTrackingUrl,
} from '../support/configuration.ts'

it.each([
  [
    'an id twice',
    aConfigurationDocument({ buyers: [aBuyerDocument(), aBuyerDocument()] }),
    'buyers[1].id repeats "solar-direct" of buyers[0].id: change one of them',
  ],
  [
    'a tel: endpoint without gateway',
    withBuyer({ endpoint: 'tel:+15551230000' }),
    'buyers[0].gateway is missing: write the id of the trunk that reaches this tel: endpoint',
  ],
  [
    'a gateway that is no trunk',
    withBuyer({ endpoint: 'tel:+15551230000', gateway: 'carrier-b' }),
    'buyers[0].gateway names no trunk: add "carrier-b" to trunks, or correct it',
  ],
  [
    'a gateway whose trunk has none',
    {
      ...withBuyer({ endpoint: 'tel:+15551230000', gateway: 'carrier-a' }),
      trunks: [{ id: 'carrier-a' }],
    },
    'buyers[0].gateway names a trunk without gateway: give trunks[0] one',
  ],
  [
    'a header in two cases',
    withBuyer({ headers: { 'X-A': '1', 'x-a': '2' } }),
    'buyers[0].headers.x-a is there in another case: keep one',
  ],
  [
    'a number in two campaigns',
    aConfigurationDocument({
      campaigns: [
        aCampaignDocument(),
        {
          id: 'roof',
          name: 'Roof',
          numbers: [{ number: '+1-800-555-0100', publisher: 'acme-media' }],
        },
      ],
    }),
    'campaigns[1].numbers[0].number repeats "+1-800-555-0100" of campaigns[0].numbers[0].number: change one of them',
  ],
  [
    'an unknown publisher',
    withCampaign({ numbers: [{ number: '+18005550100', publisher: 'nobody' }] }),
    'campaigns[0].numbers[0].publisher names no publisher: add "nobody" to publishers, or correct it',
  ],
  [
    'an unknown buyer in a route',
    withCampaign({ routes: [{ buyer: 'nobody' }] }),
    'campaigns[0].routes[0].buyer names no buyer: add "nobody" to buyers, or correct it',
  ],
  [
    'an unknown buyer in a tracking URL',
    withTrackingUrl({ buyer: 'nobody' }),
    'campaigns[0].tracking_urls[0].buyer names no buyer: add "nobody" to buyers, or correct it',
  ],
  [
    'an unknown publisher in a tracking URL',
    withTrackingUrl({ publisher: 'nobody' }),
    'campaigns[0].tracking_urls[0].publisher names no publisher: add "nobody" to publishers, or correct it',
  ],
  [
    'an unknown buyer in a filter',
    withGroup({ filters: { buyer: 'nobody' } }),
    'campaigns[0].conversion_groups[0].filters.buyer names no buyer: add "nobody" to buyers, or correct it',
  ],
  [
    'an unknown publisher in a filter',
    withGroup({ filters: { publisher: 'nobody' } }),
    'campaigns[0].conversion_groups[0].filters.publisher names no publisher: add "nobody" to publishers, or correct it',
  ],
  [
    'a tracking URL id twice in a campaign',
    withCampaign({
      tracking_urls: [
        { id: 'a', trigger: 'start', url: 'https://h/' },
        { id: 'a', trigger: 'start', url: 'https://h/' },
      ],
    }),
    'campaigns[0].tracking_urls[1].id repeats "a" of campaigns[0].tracking_urls[0].id: change one of them',
  ],
  [
    'a conversion name twice in a group',
    withGroup({
      conversions: [
        { name: 'p', value: 'posted' },
        { name: 'p', trigger: 'sale=true', revenue: '1', payout: '1' },
      ],
    }),
    'campaigns[0].conversion_groups[0].conversions[1].name repeats "p" of campaigns[0].conversion_groups[0].conversions[0].name: change one of them',
  ],
  [
    'a threshold twice in a group (B13)',
    withGroup({
      type: 'duration',
      conversions: [
        { name: 'a', seconds: 90, revenue: '1', payout: '1' },
        { name: 'b', seconds: 90, revenue: '2', payout: '2' },
      ],
    }),
    'campaigns[0].conversion_groups[0].conversions[1].seconds repeats 90 of campaigns[0].conversion_groups[0].conversions[0].seconds: change one of them',
  ],
  [
    'a whole parameter that is none (B6)',
    withConversion({ trigger: 'sale', match: 'parameter' }),
    'campaigns[0].conversion_groups[0].conversions[0].trigger is no parameter: write name=value',
  ],
  [
    'national numbers of no country',
    withBuyer({ numbers: { format: 'national' } }),
    'buyers[0].numbers.country is missing: write the country whose national numbers these are, as in US',
  ],
  [
    'an amount that would be rounded',
    withConversion({ trigger: 'sale=true', payout: '20.005' }),
    'campaigns[0].conversion_groups[0].conversions[0].payout has more decimals than USD: write 2',
  ],
])('names %s', (_, input, problem) => {
  expect(problemsOf(input)).toEqual([problem])
})

it('asks about the origin of every tracking URL, and passes on what is wrong with it', () => {
  const asked: string[] = []
  const problems = problemsOf(
    withTrackingUrl({ url: 'HTTPS://CRM.example:8443/ping?id=[call_uuid]' }),
    (url) => {
      asked.push(url)
      return 'may not be requested'
    },
  )
  expect(asked).toEqual(['https://crm.example:8443'])
  expect(problems).toEqual(['campaigns[0].tracking_urls[0].url may not be requested'])
})
