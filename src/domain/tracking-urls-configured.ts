import { defaultMethod } from './configuration-defaults.ts'
import type {
  CampaignDocument,
  ConfigurationDocument,
  TrackingUrlDocument,
} from './configuration-schema.ts'
import { previewTemplate } from './delivery-preview.ts'
import type { SampleOf } from './delivery-sample.ts'
import type { Trigger } from './tracking-url.ts'

/** A tracking URL of a configuration. */
export interface ConfiguredUrl {
  readonly campaignId: string
  readonly trackingUrlId: string
  readonly trigger: Trigger
  readonly method: 'HEAD' | 'GET' | 'POST'
  readonly url: string
  readonly getAfterHeadRefused: boolean
  readonly secrets: readonly string[]
  /** Whose names a made-up call has. */
  readonly sampleOf: SampleOf
}

/** Every tracking URL of a document, in its order. */
export function configuredUrls(document: ConfigurationDocument): readonly ConfiguredUrl[] {
  return (document.campaigns ?? []).flatMap((campaign) =>
    (campaign.tracking_urls ?? []).map((trackingUrl) => toUrl(document, campaign, trackingUrl)),
  )
}

/** A tracking URL as a made-up call would fill it in. */
export interface PreviewedUrl extends Pick<
  ConfiguredUrl,
  'campaignId' | 'trackingUrlId' | 'trigger' | 'method' | 'url'
> {
  /** What is allowed and perhaps not meant. */
  readonly warnings: readonly string[]
}

/** Every tracking URL of a document that has been checked, filled in for a made-up call. @see behaviour B3 */
export function previewUrls(document: ConfigurationDocument): readonly PreviewedUrl[] {
  return configuredUrls(document).map(({ campaignId, trackingUrlId, trigger, method, ...rest }) => {
    const preview = previewTemplate(rest.url, trigger, rest.sampleOf)
    if (preview.kind === 'malformed') throw new TypeError('a malformed URL was taken')
    const { url, warnings } = preview
    return { campaignId, trackingUrlId, trigger, method, url, warnings }
  })
}

function toUrl(
  document: ConfigurationDocument,
  campaign: CampaignDocument,
  trackingUrl: TrackingUrlDocument,
): ConfiguredUrl {
  const { id, trigger, method, url, get_after_head_refused, secrets } = trackingUrl
  return {
    campaignId: campaign.id,
    trackingUrlId: id,
    trigger,
    method: method ?? defaultMethod(trigger),
    url,
    getAfterHeadRefused: get_after_head_refused ?? true,
    secrets: secrets ?? [],
    sampleOf: sampleOf(document, campaign, trackingUrl),
  }
}

/** Names that this URL would see: those of its filters, else the first ones of the campaign. */
function sampleOf(
  { publishers = [], buyers = [] }: ConfigurationDocument,
  { id, name, numbers = [], routes = [] }: CampaignDocument,
  trackingUrl: TrackingUrlDocument,
): SampleOf {
  const publisherId = trackingUrl.publisher ?? numbers[0]?.publisher ?? 'sample-publisher'
  const buyerId = trackingUrl.buyer ?? routes[0]?.buyer ?? 'sample-buyer'
  return {
    campaignId: id,
    publisherId,
    buyerId,
    trackingUrlId: trackingUrl.id,
    names: {
      campaignName: name,
      publisherName: publishers.find((each) => each.id === publisherId)?.name ?? publisherId,
      buyerName: buyers.find((each) => each.id === buyerId)?.name ?? buyerId,
    },
  }
}

/** Names for a URL that belongs to no campaign yet. */
export const SAMPLE_OF_NOBODY: SampleOf = {
  campaignId: 'sample-campaign',
  publisherId: 'sample-publisher',
  buyerId: 'sample-buyer',
  trackingUrlId: 'sample',
  names: {
    campaignName: 'Sample campaign',
    publisherName: 'Sample publisher',
    buyerName: 'Sample buyer',
  },
}
