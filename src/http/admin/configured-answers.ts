import { z } from 'zod'
import { DEFAULTS, defaultFireOrder, defaultMethod } from '../../domain/configuration-defaults.ts'
import {
  type BuyerDocument,
  type CampaignDocument,
  CONFIGURATION_SCHEMA,
  type ConfigurationDocument,
  type ConversionGroupDocument,
  type TrackingUrlDocument,
  type TrunkDocument,
} from '../../domain/configuration-schema.ts'
import type { Answer } from '../openapi/route-description.ts'
import { textOrNull } from './answer-fields.ts'

/*
 * The parts of the configuration document as resources: the same members under the same names, with
 * what the document leaves out filled in, and without what opens anything.
 */

const { publishers, buyers, trunks, campaigns } = CONFIGURATION_SCHEMA.shape
const BUYER = buyers.unwrap().element.shape
const TRUNK = trunks.unwrap().element.shape
const CAMPAIGN = campaigns.unwrap().element.shape
const TRACKING_URL = CAMPAIGN.tracking_urls.unwrap().element.shape

const withoutPassword = z.object({ username: z.string() }).exactOptional()

/** A publisher. */
export const PUBLISHER_ANSWER = z
  .object(publishers.unwrap().element.shape)
  .meta({ id: 'Publisher' })

/** A buyer, without its password. */
export const BUYER_ANSWER = z
  .object({ ...BUYER, auth: withoutPassword })
  .required({
    ring_timeout_seconds: true,
    setup_timeout_seconds: true,
    ping_seconds: true,
    uuid_format: true,
    headers: true,
    pass_headers: true,
    paused: true,
    trusted: true,
    numbers: true,
  })
  .meta({ id: 'Buyer' })

/** A trunk, without its password. */
export const TRUNK_ANSWER = z
  .object({ ...TRUNK, digest: withoutPassword })
  .required({ allow: true, numbers: true, trusted: true })
  .meta({ id: 'Trunk' })

const { secrets: _secrets, ...unsigned } = TRACKING_URL
const CAMPAIGN_URL = z
  .object({ ...unsigned, signed: z.boolean() })
  .required({ method: true, tags: true, fire_order: true, get_after_head_refused: true })
const CAMPAIGN_ROUTE = z
  .object(CAMPAIGN.routes.unwrap().element.shape)
  .required({ priority: true, weight: true, ring_together: true, filters: true })

/** A campaign; its numbers are a list of their own. */
export const CAMPAIGN_ANSWER = z
  .object({
    id: CAMPAIGN.id,
    name: CAMPAIGN.name,
    version: z.int().describe('Of the rules that calls begin under now.'),
    currency: CAMPAIGN.currency,
    max_call_seconds: CAMPAIGN.max_call_seconds,
    repeat_callers: CAMPAIGN.repeat_callers,
    number_count: z.int().describe('`/numbers?campaign=…` lists them.'),
    routes: z.array(CAMPAIGN_ROUTE),
    tracking_urls: z.array(CAMPAIGN_URL).describe('Without their secrets.'),
    conversion_groups: CAMPAIGN.conversion_groups,
  })
  .required({ currency: true, repeat_callers: true, conversion_groups: true })
  .meta({ id: 'Campaign' })

/** A number that callers dial. */
export const NUMBER_ANSWER = z
  .object({
    number: z.string().describe('E.164.'),
    campaign_id: z.string(),
    publisher_id: z.string(),
    sub_id: textOrNull.describe('The publisher’s own name for it.'),
  })
  .meta({ id: 'Number' })

/** A buyer in the API. */
export function showBuyer({ auth, ...buyer }: BuyerDocument): Answer<typeof BUYER_ANSWER> {
  return {
    ...DEFAULTS.buyer,
    ...buyer,
    numbers: { ...DEFAULTS.buyer.numbers, ...buyer.numbers },
    ...(auth && { auth: { username: auth.username } }),
  }
}

/** A trunk in the API. */
export function showTrunk({ digest, ...trunk }: TrunkDocument): Answer<typeof TRUNK_ANSWER> {
  return {
    ...DEFAULTS.trunk,
    ...trunk,
    numbers: { ...DEFAULTS.trunk.numbers, ...trunk.numbers },
    ...(digest && { digest: { username: digest.username } }),
  }
}

/** A campaign in the API. */
export function showCampaign(
  { numbers = [], tracking_urls: urls = [], ...campaign }: CampaignDocument,
  version: number,
): Answer<typeof CAMPAIGN_ANSWER> {
  return {
    ...DEFAULTS.rules,
    ...campaign,
    version,
    number_count: numbers.length,
    routes: (campaign.routes ?? []).map((route) => ({ ...DEFAULTS.route, ...route })),
    tracking_urls: urls.map(showUrl),
    conversion_groups: (campaign.conversion_groups ?? []).map(fillGroup),
  }
}

function showUrl(
  { secrets = [], ...url }: TrackingUrlDocument,
  index: number,
): Answer<typeof CAMPAIGN_URL> {
  return {
    ...DEFAULTS.trackingUrl,
    method: defaultMethod(url.trigger),
    fire_order: defaultFireOrder(index),
    ...url,
    signed: secrets.length > 0,
  }
}

function fillGroup(group: ConversionGroupDocument): ConversionGroupDocument {
  if (group.type === 'duration') return { ...DEFAULTS.group, ...group }
  const conversions = group.conversions.map((conversion) =>
    conversion.value === 'posted'
      ? { ...DEFAULTS.posted, ...conversion }
      : { ...DEFAULTS.trigger, ...conversion },
  )
  return { ...DEFAULTS.group, ...DEFAULTS.postbackGroup, ...group, conversions }
}

/** All numbers of all campaigns in the API. */
export const showNumbers = (
  document: ConfigurationDocument,
): readonly Answer<typeof NUMBER_ANSWER>[] =>
  (document.campaigns ?? []).flatMap(({ id, numbers = [] }) =>
    numbers.map(({ number, publisher, sub_id: subId }) => ({
      number,
      campaign_id: id,
      publisher_id: publisher,
      sub_id: subId ?? null,
    })),
  )
