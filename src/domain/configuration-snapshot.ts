import type {
  Buyer,
  Campaign,
  Configuration,
  Publisher,
  TrackingNumber,
  Trunk,
} from './campaign.ts'

/** Where a dialled number leads. */
export interface FoundNumber {
  readonly campaign: Campaign
  /** The version of the campaign that is in force. */
  readonly version: number
  readonly publisher: Publisher
  readonly number: TrackingNumber
}

/** One revision of the configuration, indexed; it never changes. */
export interface ConfigurationSnapshot {
  /** 0 before anything was applied. */
  readonly revision: number
  readonly configuration: Configuration
  readonly trunks: readonly Trunk[]
  /** Takes E.164 with its plus sign. */
  readonly findNumber: (e164: string) => FoundNumber | undefined
  readonly buyer: (buyerId: string) => Buyer | undefined
  readonly publisher: (publisherId: string) => Publisher | undefined
  readonly campaign: (campaignId: string) => Campaign | undefined
}

/**
 * Indexes a configuration.
 * @param versions the version in force of each campaign
 */
export function indexConfiguration(
  revision: number,
  configuration: Configuration,
  versions: ReadonlyMap<string, number>,
): ConfigurationSnapshot {
  const { publishers, buyers, trunks, campaigns } = configuration
  const publisherById = new Map(publishers.map((each) => [each.publisherId, each]))
  const buyerById = new Map(buyers.map((each) => [each.buyerId, each]))
  const campaignById = new Map(campaigns.map((each) => [each.campaignId, each]))
  const numbers = campaigns.flatMap((campaign) =>
    campaign.numbers.flatMap((number): (readonly [string, FoundNumber])[] => {
      const publisher = publisherById.get(number.publisherId)
      const version = versions.get(campaign.campaignId)
      if (!publisher || version === undefined) return []
      return [[number.number, { campaign, version, publisher, number }]]
    }),
  )
  const found = new Map(numbers)
  return {
    revision,
    configuration,
    trunks,
    findNumber: (e164) => found.get(e164),
    buyer: (buyerId) => buyerById.get(buyerId),
    publisher: (publisherId) => publisherById.get(publisherId),
    campaign: (campaignId) => campaignById.get(campaignId),
  }
}
