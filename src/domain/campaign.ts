import type { ConversionGroup } from './conversion-group.ts'
import type { Template } from './tokens.ts'
import type { TrackingUrl } from './tracking-url.ts'

export interface Publisher {
  readonly publisherId: string
  readonly name: string
}

export interface Buyer {
  readonly buyerId: string
  readonly name: string
  /** SIP URI of the buyer's endpoint, or a tel URI that a gateway reaches. */
  readonly endpoint: string
  readonly gateway: string | undefined
  readonly auth: { readonly username: string; readonly password: string } | undefined
  readonly ringTimeoutMs: number
  readonly uuidFormat: 'standard' | 'compact'
  /** Further headers of the INVITE; values hold tokens. */
  readonly headers: readonly { readonly name: string; readonly value: Template }[]
  readonly paused: boolean
}

export interface Trunk {
  readonly trunkId: string
  /** Addresses and CIDR ranges that may send us calls. */
  readonly allow: readonly string[]
  readonly gateway: string | undefined
  readonly numbers: { readonly format: 'e164'; readonly country: string | undefined }
}

/** A number that callers dial, in E.164 with the plus sign. */
export interface TrackingNumber {
  readonly number: string
  readonly publisherId: string
  readonly subId: string | undefined
}

export interface Route {
  readonly buyerId: string
  /** Lower is tried first. */
  readonly priority: number
  /** Share of the calls among routes of the same priority. */
  readonly weight: number
}

/** What a call needs to know of its campaign; pinned to the call by its version. */
export interface CampaignRules {
  readonly campaignId: string
  readonly name: string
  /** ISO 4217 code. */
  readonly currency: string
  readonly routes: readonly Route[]
  readonly trackingUrls: readonly TrackingUrl[]
  readonly conversionGroups: readonly ConversionGroup[]
}

export interface Campaign extends CampaignRules {
  readonly numbers: readonly TrackingNumber[]
}

/** The whole configuration, as operators describe it in one document. */
export interface Configuration {
  readonly publishers: readonly Publisher[]
  readonly buyers: readonly Buyer[]
  readonly trunks: readonly Trunk[]
  readonly campaigns: readonly Campaign[]
}
