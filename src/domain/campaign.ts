import type { Caps } from './caps.ts'
import type { OpeningHours } from './configuration-hours.ts'
import type { ConversionGroup } from './conversion-group.ts'
import type { NumberStyle } from './number.ts'
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
  /** What is dialled: the endpoint itself, or its number at the gateway. */
  readonly requestUri: string
  /** How often the endpoint is asked whether it is there; undefined where it never is. */
  readonly pingMs: number | undefined
  readonly auth: { readonly username: string; readonly password: string } | undefined
  readonly ringTimeoutMs: number
  /** How long to wait for any sign of life while another buyer may follow. */
  readonly setupTimeoutMs: number
  /** The longest call this buyer takes; undefined where only the campaign's limit counts. */
  readonly callMsMax: number | undefined
  readonly uuidFormat: 'standard' | 'compact'
  /** Further headers of the INVITE; values hold tokens. */
  readonly headers: readonly { readonly name: string; readonly value: Template }[]
  /** Names of the caller's headers that are passed on. */
  readonly passHeaders: readonly string[]
  readonly paused: boolean
  /** Undefined where the buyer is always open. */
  readonly hours: { readonly timeZone: string; readonly open: readonly OpeningHours[] } | undefined
  readonly caps: Caps
  /** Whether the buyer may see who a caller is that asked for privacy. @see RFC 3324 */
  readonly isTrusted: boolean
  /** How the numbers of callers are written for this buyer. */
  readonly numbers: WrittenNumbers
}

/** How a buyer wants numbers in SIP URIs. */
export interface WrittenNumbers extends NumberStyle {
  /** Whether `;user=phone` says that the user part is a number. @see RFC 3261 §19.1.6 */
  readonly isMarked: boolean
}

/** How many calls are let in; undefined where nothing limits them. */
export interface CallLimits {
  /** Below 1 it is one call in several seconds. */
  readonly callsPerSecondMax: number | undefined
  readonly concurrentMax: number | undefined
}

export interface Trunk extends CallLimits {
  readonly trunkId: string
  /** Addresses and CIDR ranges that may send us calls; with `digest`, from where credentials count. */
  readonly allow: readonly string[]
  /** Undefined where the source address alone lets a call in. */
  readonly digest: { readonly username: string; readonly password: string } | undefined
  readonly gateway: string | undefined
  readonly numbers: TrunkNumbers
  /** Whether what the trunk asserts of a caller is believed. @see RFC 3325 */
  readonly isTrusted: boolean
  /** For each caller's number, of the calls that come through the trunk. */
  readonly perCaller: CallLimits
  /** For each tracking number, likewise. */
  readonly perNumber: CallLimits
}

/** Where a trunk puts numbers, and how it writes them. */
export interface TrunkNumbers {
  /** ISO 3166 code of the country whose national numbers the trunk sends. */
  readonly country: string | undefined
  /** Where the number stands that the caller dialled. */
  readonly dialled: 'request_uri' | 'to' | 'diversion' | 'history_info'
  /** Digits that the trunk puts before every number. */
  readonly prefix: string
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
  /** Rings together with the other routes of the same priority that say so. */
  readonly ringsTogether: boolean
  readonly filters: RouteFilters
}

/** Which calls a route is for; an absent filter matches every call. */
export interface RouteFilters {
  readonly publisherId?: string
  /** How the caller's number may begin, in E.164 with the plus sign. */
  readonly callerPrefixes?: readonly string[]
}

/** What a call needs to know of its campaign; pinned to the call by its version. */
export interface CampaignRules {
  readonly campaignId: string
  readonly name: string
  /** ISO 4217 code. */
  readonly currency: string
  /** The longest call; undefined where only the service's own limit counts. */
  readonly callMsMax: number | undefined
  /** Whether a caller goes first to the buyer that answered it last in this campaign. */
  readonly returnsCallers: boolean
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
