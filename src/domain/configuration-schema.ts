import { z } from 'zod'
import {
  addressOrRange,
  amount,
  country,
  credential,
  currency,
  digits,
  endpoint,
  gateway,
  headerName,
  headerValue,
  id,
  name,
  openingHours,
  passedHeaderName,
  payoutModifier,
  phoneNumber,
  phonePrefix,
  pingSeconds,
  rate,
  tagName,
  tagValue,
  timeZone,
  trackingUrlTemplate,
  trigger,
  webhookSecret,
  whole,
} from './configuration-fields.ts'
import { TRIGGERS } from './tracking-url.ts'

/*
 * The shape of the configuration document, its names as operators write them. Nothing here has a
 * default: what is left out stays out, so that a document comes back as it was written. Checks that
 * need more than one place are in configuration-references.ts.
 */

/** SIP's Timer C: a proxy on the way gives up a ringing INVITE after three minutes. @see RFC 3261 §16.6 */
const RING_TIMEOUT_SECONDS_MAX = 180
const YEAR_SECONDS = 31_536_000
const CALL_SECONDS_MAX = 86_400
const PLACES_MAX = 1_000
const TRUNK_CALLS_MAX = 100_000
const PASSED_HEADERS_MAX = 20
const CAP_MAX = 1_000_000_000
/** More would make the header longer than some servers take. */
const SECRETS_MAX = 5

const credentials = z.strictObject({ username: credential, password: credential })

const publisher = z.strictObject({ id, name })

const buyer = z.strictObject({
  id,
  name,
  endpoint,
  /** The trunk that reaches a tel: endpoint. */
  gateway: id.exactOptional(),
  auth: credentials.exactOptional(),
  ring_timeout_seconds: whole(1, RING_TIMEOUT_SECONDS_MAX).exactOptional(),
  /** How long to wait for any sign of life while another buyer may follow. */
  setup_timeout_seconds: whole(1, RING_TIMEOUT_SECONDS_MAX).exactOptional(),
  max_call_seconds: whole(1, CALL_SECONDS_MAX).exactOptional(),
  /** How often OPTIONS asks whether the endpoint is there; 0 is never. */
  ping_seconds: pingSeconds.exactOptional(),
  uuid_format: z.enum(['standard', 'compact']).exactOptional(),
  headers: z.record(headerName, headerValue).exactOptional(),
  /** What is passed on of the caller's own headers. */
  pass_headers: z.array(passedHeaderName).max(PASSED_HEADERS_MAX).exactOptional(),
  caps: z
    .strictObject({
      concurrent: whole(1, CAP_MAX).exactOptional(),
      hourly: whole(1, CAP_MAX).exactOptional(),
      daily: whole(1, CAP_MAX).exactOptional(),
      monthly: whole(1, CAP_MAX).exactOptional(),
      total: whole(1, CAP_MAX).exactOptional(),
    })
    .exactOptional(),
  hours: z
    .strictObject({ time_zone: timeZone, open: z.array(openingHours).min(1) })
    .exactOptional(),
  paused: z.boolean().exactOptional(),
  /** Whether the buyer may see who callers are that asked for privacy. */
  trusted: z.boolean().exactOptional(),
  numbers: z
    .strictObject({
      format: z.enum(['e164', 'e164_plain', 'national']).exactOptional(),
      country: country.exactOptional(),
      /** Before the numbers of callers. */
      prefix: digits.exactOptional(),
      /** Before the number of a tel: endpoint. */
      dialled_prefix: digits.exactOptional(),
      user_phone: z.boolean().exactOptional(),
    })
    .exactOptional(),
})

const callLimits = z
  .strictObject({
    calls_per_second: rate(TRUNK_CALLS_MAX).exactOptional(),
    concurrent: whole(1, TRUNK_CALLS_MAX).exactOptional(),
  })
  .exactOptional()

const trunk = z.strictObject({
  id,
  allow: z.array(addressOrRange).exactOptional(),
  digest: credentials.exactOptional(),
  gateway: gateway.exactOptional(),
  /** How numbers dialled through the gateway may begin; any, unless said. */
  allowed_prefixes: z.array(phonePrefix).min(1).exactOptional(),
  numbers: z
    .strictObject({
      // There is one, which reads every spelling; documents may name it.
      format: z.literal('e164').exactOptional(),
      country: country.optional(),
      dialled: z.enum(['request_uri', 'to', 'diversion', 'history_info']).exactOptional(),
      prefix: digits.exactOptional(),
    })
    .exactOptional(),
  /** Whether what the trunk asserts of callers is believed. */
  trusted: z.boolean().exactOptional(),
  calls_per_second: whole(1, TRUNK_CALLS_MAX).exactOptional(),
  concurrent: whole(1, TRUNK_CALLS_MAX).exactOptional(),
  /** Of each caller's number. */
  per_caller: callLimits,
  /** To each tracking number. */
  per_number: callLimits,
})

const trackingNumber = z.strictObject({
  number: phoneNumber,
  publisher: id,
  sub_id: credential.exactOptional(),
})

const route = z.strictObject({
  buyer: id,
  priority: whole(0, PLACES_MAX).exactOptional(),
  weight: whole(0, PLACES_MAX).exactOptional(),
  ring_together: z.boolean().exactOptional(),
  filters: z
    .strictObject({
      publisher: id.exactOptional(),
      caller_prefixes: z.array(phonePrefix).min(1).exactOptional(),
    })
    .exactOptional(),
})

const filters = {
  publisher: id.exactOptional(),
  buyer: id.exactOptional(),
  tags: z.record(tagName, tagValue).exactOptional(),
}

const trackingUrl = z.strictObject({
  id,
  trigger: z.enum(TRIGGERS),
  method: z.enum(['HEAD', 'GET', 'POST']).exactOptional(),
  url: trackingUrlTemplate,
  ...filters,
  fire_order: whole(0, PLACES_MAX).exactOptional(),
  get_after_head_refused: z.boolean().exactOptional(),
  /** Each signs every request, so that receivers can change from one to the next. */
  secrets: z.array(webhookSecret).min(1).max(SECRETS_MAX).exactOptional(),
})

const onRepeat = z.enum(['adjust', 'first', 'reject'])

const postbackConversion = z.discriminatedUnion('value', [
  z.strictObject({
    name,
    value: z.literal('posted'),
    payout_modifier: payoutModifier.exactOptional(),
    zero_converts: z.boolean().exactOptional(),
    on_repeat: onRepeat.exactOptional(),
  }),
  z.strictObject({
    name,
    value: z.undefined().optional(),
    trigger,
    match: z.enum(['substring', 'parameter']).exactOptional(),
    revenue: amount,
    payout: amount,
    on_repeat: onRepeat.exactOptional(),
  }),
])

const durationConversion = z.strictObject({
  name,
  seconds: whole(0, CALL_SECONDS_MAX),
  revenue: amount,
  payout: amount,
})

const groupFilters = z.strictObject(filters).exactOptional()
const dedupeSeconds = whole(0, YEAR_SECONDS).exactOptional()

const conversionGroup = z.discriminatedUnion('type', [
  z.strictObject({
    id,
    type: z.literal('postback'),
    filters: groupFilters,
    postback_timeout_seconds: whole(0, YEAR_SECONDS).exactOptional(),
    late_limit_seconds: whole(0, YEAR_SECONDS).exactOptional(),
    dedupe_seconds: dedupeSeconds,
    conversions: z.array(postbackConversion).min(1),
  }),
  z.strictObject({
    id,
    type: z.literal('duration'),
    filters: groupFilters,
    dedupe_seconds: dedupeSeconds,
    conversions: z.array(durationConversion).min(1),
  }),
])

const identity = {
  id,
  name,
  currency: currency.exactOptional(),
  max_call_seconds: whole(1, CALL_SECONDS_MAX).exactOptional(),
  repeat_callers: z.enum(['any_buyer', 'same_buyer']).exactOptional(),
}

const rules = {
  routes: z.array(route).exactOptional(),
  tracking_urls: z.array(trackingUrl).exactOptional(),
  conversion_groups: z.array(conversionGroup).exactOptional(),
}

/** What is versioned of a campaign and pinned to its calls: everything but its numbers. */
export const CAMPAIGN_RULES_SCHEMA = z.strictObject({ ...identity, ...rules })

const numbers = z.array(trackingNumber).exactOptional()

/** The whole document. */
export const CONFIGURATION_SCHEMA = z.strictObject({
  publishers: z.array(publisher).exactOptional(),
  buyers: z.array(buyer).exactOptional(),
  trunks: z.array(trunk).exactOptional(),
  campaigns: z.array(z.strictObject({ ...identity, numbers, ...rules })).exactOptional(),
})

type Element<List> = NonNullable<List> extends readonly (infer Item)[] ? Item : never

/** The configuration as operators write it. */
export type ConfigurationDocument = z.output<typeof CONFIGURATION_SCHEMA>
export type BuyerDocument = Element<ConfigurationDocument['buyers']>
export type TrunkDocument = Element<ConfigurationDocument['trunks']>
export type CampaignDocument = Element<ConfigurationDocument['campaigns']>
export type CampaignRulesDocument = z.output<typeof CAMPAIGN_RULES_SCHEMA>
export type RouteFiltersDocument = z.output<typeof route>['filters']
export type TrackingUrlDocument = Element<CampaignDocument['tracking_urls']>
export type ConversionGroupDocument = Element<CampaignDocument['conversion_groups']>
export type PostbackConversionDocument = z.output<typeof postbackConversion>
