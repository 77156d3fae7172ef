import type {
  Buyer,
  CallLimits,
  Campaign,
  CampaignRules,
  Configuration,
  RouteFilters,
  Trunk,
  WrittenNumbers,
} from './campaign.ts'
import type { Caps } from './caps.ts'
import { DEFAULTS, defaultFireOrder, defaultMethod } from './configuration-defaults.ts'
import { type OpeningHours, parseOpeningHours } from './configuration-hours.ts'
import type {
  BuyerDocument,
  CampaignDocument,
  CampaignRulesDocument,
  ConfigurationDocument,
  ConversionGroupDocument,
  PostbackConversionDocument,
  RouteFiltersDocument,
  TrackingUrlDocument,
  TrunkDocument,
} from './configuration-schema.ts'
import type { ConversionGroup, PostbackConversion } from './conversion-group.ts'
import { type Amount, minorUnitDigits, parseRevenue, toAmount } from './money.ts'
import { writeNumber } from './number.ts'
import { parsePayoutModifier } from './payout-modifier.ts'
import { parseTemplate } from './tokens.ts'
import { type Filters, parseUrlTemplate, type TrackingUrl } from './tracking-url.ts'

/** What a document that passed every check stands for, defaults filled in. */
export function buildConfiguration(document: ConfigurationDocument): Configuration {
  const { publishers = [], buyers = [], trunks = [], campaigns = [] } = document
  return {
    publishers: publishers.map(({ id, name }) => ({ publisherId: id, name })),
    buyers: buyers.map((buyer) => buildBuyer(buyer, trunks)),
    trunks: trunks.map(buildTrunk),
    campaigns: campaigns.map(buildCampaign),
  }
}

function buildBuyer(document: BuyerDocument, trunks: readonly TrunkDocument[]): Buyer {
  const buyer = { ...DEFAULTS.buyer, ...document }
  const headers: Readonly<Record<string, string>> = buyer.headers
  return {
    buyerId: buyer.id,
    name: buyer.name,
    endpoint: buyer.endpoint,
    requestUri: requestUriOf(document, trunks),
    pingMs: buyer.ping_seconds === 0 ? undefined : buyer.ping_seconds * 1000,
    auth: buyer.auth,
    ringTimeoutMs: buyer.ring_timeout_seconds * 1000,
    setupTimeoutMs: buyer.setup_timeout_seconds * 1000,
    callMsMax: millisecondsOf(buyer.max_call_seconds),
    uuidFormat: buyer.uuid_format,
    headers: Object.entries(headers).map(([name, value]) => ({
      name,
      value: checked(parseTemplate(value), 'template').parts,
    })),
    passHeaders: buyer.pass_headers,
    paused: buyer.paused,
    hours: buyer.hours && {
      timeZone: buyer.hours.time_zone,
      open: buyer.hours.open.map(openingHoursOf),
    },
    caps: capsOf(buyer.caps),
    isTrusted: buyer.trusted,
    numbers: writtenNumbersOf(document),
  }
}

function writtenNumbersOf({ numbers = {} }: BuyerDocument): WrittenNumbers {
  const { format, country, prefix = '', user_phone = false } = numbers
  return { format: format ?? DEFAULTS.buyer.numbers.format, country, prefix, isMarked: user_phone }
}

const millisecondsOf = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1000

function openingHoursOf(text: string): OpeningHours {
  const hours = parseOpeningHours(text)
  if (!hours) throw new TypeError(`${JSON.stringify(text)} has passed as hours`)
  return hours
}

function capsOf({ concurrent, hourly, daily, monthly, total }: BuyerDocument['caps'] = {}): Caps {
  return { concurrent, hourly, daily, monthly, total }
}

/** A number is dialled at its gateway, which is told that it is one. @see RFC 3261 §19.1.6 */
function requestUriOf(document: BuyerDocument, trunks: readonly TrunkDocument[]): string {
  const { endpoint, gateway, numbers = {} } = document
  if (!/^tel:/i.test(endpoint)) return endpoint
  const [, scheme = 'sip:', host = ''] =
    /^(sips?:)(.*)$/i.exec(trunks.find(({ id }) => id === gateway)?.gateway ?? '') ?? []
  const style = { ...writtenNumbersOf(document), prefix: numbers.dialled_prefix ?? '' }
  const user = writeNumber(endpoint.slice('tel:'.length), style)
  return `${scheme}${user}@${host}${numbers.user_phone === false ? '' : ';user=phone'}`
}

function buildTrunk(document: TrunkDocument): Trunk {
  const { id, allow, digest, gateway, numbers, trusted } = { ...DEFAULTS.trunk, ...document }
  const {
    country,
    dialled,
    prefix = '',
  } = {
    ...DEFAULTS.trunk.numbers,
    ...(numbers as TrunkDocument['numbers']),
  }
  return {
    trunkId: id,
    allow,
    digest,
    gateway,
    numbers: { country, dialled, prefix },
    isTrusted: trusted,
    ...callLimits(document),
    perCaller: callLimits(document.per_caller),
    perNumber: callLimits(document.per_number),
  }
}

const callLimits = (limits: TrunkDocument['per_caller'] = {}): CallLimits => ({
  callsPerSecondMax: limits.calls_per_second,
  concurrentMax: limits.concurrent,
})

function buildCampaign({ numbers = [], ...rules }: CampaignDocument): Campaign {
  return {
    ...buildCampaignRules(rules),
    numbers: numbers.map(({ number, publisher, sub_id }) => ({
      number,
      publisherId: publisher,
      subId: sub_id,
    })),
  }
}

/** What the versioned part of a campaign stands for, defaults filled in. */
export function buildCampaignRules(document: CampaignRulesDocument): CampaignRules {
  const rules = { ...DEFAULTS.rules, ...document }
  const digits = minorUnitDigits(rules.currency)
  return {
    campaignId: rules.id,
    name: rules.name,
    currency: rules.currency,
    callMsMax: millisecondsOf(rules.max_call_seconds),
    returnsCallers: rules.repeat_callers === 'same_buyer',
    routes: rules.routes.map((route) => {
      const { buyer, priority, weight, ring_together } = { ...DEFAULTS.route, ...route }
      const filters = buildRouteFilters(route.filters)
      return { buyerId: buyer, priority, weight, ringsTogether: ring_together, filters }
    }),
    trackingUrls: rules.tracking_urls.map(buildTrackingUrl),
    conversionGroups: rules.conversion_groups.map((group) => buildGroup(group, digits)),
  }
}

function buildRouteFilters({
  publisher,
  caller_prefixes,
}: RouteFiltersDocument = {}): RouteFilters {
  return {
    ...(publisher !== undefined && { publisherId: publisher }),
    ...(caller_prefixes && { callerPrefixes: caller_prefixes }),
  }
}

function buildTrackingUrl(document: TrackingUrlDocument, index: number): TrackingUrl {
  const { id, trigger, url, ...trackingUrl } = { ...DEFAULTS.trackingUrl, ...document }
  return {
    trackingUrlId: id,
    trigger,
    method: trackingUrl.method ?? defaultMethod(trigger),
    template: checked(parseUrlTemplate(url), 'url').template,
    filters: buildFilters(trackingUrl),
    fireOrder: trackingUrl.fire_order ?? defaultFireOrder(index),
    getAfterHeadRefused: trackingUrl.get_after_head_refused,
  }
}

type FiltersDocument = NonNullable<ConversionGroupDocument['filters']>

function buildFilters({ publisher, buyer, tags }: FiltersDocument): Filters {
  return {
    ...(publisher !== undefined && { publisherId: publisher }),
    ...(buyer !== undefined && { buyerId: buyer }),
    ...(tags && Object.keys(tags).length > 0 && { tags }),
  }
}

function buildGroup(document: ConversionGroupDocument, digits: number): ConversionGroup {
  const group = { ...DEFAULTS.group, ...document }
  const base = {
    groupId: group.id,
    filters: buildFilters(group.filters),
    dedupeSeconds: group.dedupe_seconds,
  }
  switch (group.type) {
    case 'postback':
      return {
        kind: 'postback',
        ...base,
        postbackTimeoutSeconds:
          group.postback_timeout_seconds ?? DEFAULTS.postbackGroup.postback_timeout_seconds,
        lateLimitSeconds: group.late_limit_seconds,
        conversions: group.conversions.map((each) => buildPostbackConversion(each, digits)),
      }
    case 'duration':
      return {
        kind: 'duration',
        ...base,
        conversions: group.conversions.map(({ name, seconds, revenue, payout }) => ({
          name,
          connectedSecondsMin: seconds,
          revenue: amountOf(revenue, digits),
          payout: amountOf(payout, digits),
        })),
      }
  }
}

function buildPostbackConversion(
  document: PostbackConversionDocument,
  digits: number,
): PostbackConversion {
  if (document.value === 'posted') {
    const conversion = { ...DEFAULTS.posted, ...document }
    return {
      kind: 'posted',
      name: conversion.name,
      payoutModifier: checked(parsePayoutModifier(conversion.payout_modifier), 'modifier').steps,
      zeroConverts: conversion.zero_converts,
      onRepeat: conversion.on_repeat,
    }
  }
  const conversion = { ...DEFAULTS.trigger, ...document }
  return {
    kind: 'trigger',
    name: conversion.name,
    trigger: conversion.trigger,
    match: conversion.match,
    revenue: amountOf(conversion.revenue, digits),
    payout: amountOf(conversion.payout, digits),
    onRepeat: conversion.on_repeat,
  }
}

function amountOf(text: string, digits: number): Amount {
  const exact = parseRevenue(text)
  if (!exact) throw new TypeError(`${JSON.stringify(text)} has passed as an amount`)
  return toAmount(exact, digits)
}

/** The schema has let this text pass, so that it was read. */
function checked<Result extends { readonly kind: string }, Kind extends Result['kind']>(
  result: Result,
  kind: Kind,
): Extract<Result, { readonly kind: Kind }> {
  if (result.kind !== kind) throw new TypeError(`a malformed ${kind} has passed the schema`)
  return result as Extract<Result, { readonly kind: Kind }>
}
