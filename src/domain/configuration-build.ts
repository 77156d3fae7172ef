import type { Buyer, Campaign, CampaignRules, Configuration, Trunk } from './campaign.ts'
import { DEFAULTS, defaultFireOrder, defaultMethod } from './configuration-defaults.ts'
import type {
  BuyerDocument,
  CampaignDocument,
  CampaignRulesDocument,
  ConfigurationDocument,
  ConversionGroupDocument,
  PostbackConversionDocument,
  TrackingUrlDocument,
  TrunkDocument,
} from './configuration-schema.ts'
import type { ConversionGroup, PostbackConversion } from './conversion-group.ts'
import { type Amount, minorUnitDigits, parseRevenue, toAmount } from './money.ts'
import { parsePayoutModifier } from './payout-modifier.ts'
import { parseTemplate } from './tokens.ts'
import { type Filters, parseUrlTemplate, type TrackingUrl } from './tracking-url.ts'

/** What a document that passed every check stands for, defaults filled in. */
export function buildConfiguration(document: ConfigurationDocument): Configuration {
  const { publishers = [], buyers = [], trunks = [], campaigns = [] } = document
  return {
    publishers: publishers.map(({ id, name }) => ({ publisherId: id, name })),
    buyers: buyers.map(buildBuyer),
    trunks: trunks.map(buildTrunk),
    campaigns: campaigns.map(buildCampaign),
  }
}

function buildBuyer(document: BuyerDocument): Buyer {
  const buyer = { ...DEFAULTS.buyer, ...document }
  const headers: Readonly<Record<string, string>> = buyer.headers
  return {
    buyerId: buyer.id,
    name: buyer.name,
    endpoint: buyer.endpoint,
    gateway: buyer.gateway,
    auth: buyer.auth,
    ringTimeoutMs: buyer.ring_timeout_seconds * 1000,
    uuidFormat: buyer.uuid_format,
    headers: Object.entries(headers).map(([name, value]) => ({
      name,
      value: checked(parseTemplate(value), 'template').parts,
    })),
    paused: buyer.paused,
  }
}

function buildTrunk({ id, allow = [], gateway, numbers }: TrunkDocument): Trunk {
  return {
    trunkId: id,
    allow,
    gateway,
    numbers: { ...DEFAULTS.trunk.numbers, country: numbers?.country },
  }
}

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
    routes: rules.routes.map((route) => {
      const { buyer, priority, weight } = { ...DEFAULTS.route, ...route }
      return { buyerId: buyer, priority, weight }
    }),
    trackingUrls: rules.tracking_urls.map(buildTrackingUrl),
    conversionGroups: rules.conversion_groups.map((group) => buildGroup(group, digits)),
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
