/** What a caller dials in the demo. */
export const TRACKING_NUMBER = '+18005550100'

/** How long the demo waits for a postback. */
export const POSTBACK_TIMEOUT_SECONDS = 1

/**
 * The demo's configuration document: one publisher, one buyer, one campaign that pays the publisher
 * 0.8 of what the buyer posts back.
 */
export function demoConfiguration(places: {
  readonly buyerEndpoint: string
  readonly receiverUrl: string
}): object {
  const { buyerEndpoint, receiverUrl } = places
  return {
    publishers: [{ id: 'acme-media', name: 'Acme Media' }],
    buyers: [{ id: 'solar-direct', name: 'Solar Direct', endpoint: buyerEndpoint }],
    campaigns: [
      {
        id: 'solar',
        name: 'Solar leads',
        currency: 'USD',
        numbers: [{ number: TRACKING_NUMBER, publisher: 'acme-media', sub_id: 'spring-tv' }],
        routes: [{ buyer: 'solar-direct' }],
        tracking_urls: [
          {
            id: 'ping',
            trigger: 'bridged',
            url: `${receiverUrl}/buyer/ping?id=[call_uuid]&key=[call_key]&from=[caller_number]`,
          },
          {
            id: 'sale',
            trigger: 'converted',
            url: `${receiverUrl}/publisher/sale?id=[call_uuid]&sub=[sub_id]&payout=[payout]`,
          },
          {
            id: 'no-sale',
            trigger: 'not_converted',
            url: `${receiverUrl}/publisher/no-sale?id=[call_uuid]&sub=[sub_id]`,
          },
        ],
        conversion_groups: [
          {
            id: 'sales',
            type: 'postback',
            postback_timeout_seconds: POSTBACK_TIMEOUT_SECONDS,
            conversions: [{ name: 'posted', value: 'posted', payout_modifier: '*0.8' }],
          },
        ],
      },
    ],
  }
}
