import { currentConfiguration } from '../../db/configurations.ts'
import type { Queryable } from '../../db/queryable.ts'
import { defaultMethod } from '../../domain/configuration-defaults.ts'
import type {
  CampaignDocument,
  ConfigurationDocument,
  TrackingUrlDocument,
} from '../../domain/configuration-schema.ts'
import type { SampleOf } from '../../domain/delivery-sample.ts'
import type { Trigger } from '../../domain/tracking-url.ts'

/** A tracking URL of the configuration in force. */
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

/** Every tracking URL in force, in the document's order. */
export async function listConfiguredUrls(db: Queryable): Promise<readonly ConfiguredUrl[]> {
  const current = await currentConfiguration(db)
  const document = current?.document ?? {}
  return (document.campaigns ?? []).flatMap((campaign) =>
    (campaign.tracking_urls ?? []).map((trackingUrl) => toUrl(document, campaign, trackingUrl)),
  )
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
