import type {
  BuyerDocument,
  CampaignDocument,
  ConfigurationDocument,
  ConversionGroupDocument,
  PostbackConversionDocument,
  TrackingUrlDocument,
  TrunkDocument,
} from './configuration-schema.ts'

/** What a document means where it says nothing. */
export const DEFAULTS = {
  buyer: {
    ring_timeout_seconds: 25,
    setup_timeout_seconds: 6,
    ping_seconds: 60,
    uuid_format: 'standard',
    headers: {},
    pass_headers: [],
    paused: false,
    trusted: false,
    numbers: { format: 'e164' },
  },
  trunk: { allow: [], numbers: { format: 'e164', dialled: 'request_uri' }, trusted: true },
  route: { priority: 1, weight: 1, ring_together: false, filters: {} },
  rules: {
    currency: 'USD',
    repeat_callers: 'any_buyer',
    routes: [],
    tracking_urls: [],
    conversion_groups: [],
  },
  trackingUrl: { tags: {}, get_after_head_refused: true },
  group: { filters: {}, dedupe_seconds: 0 },
  postbackGroup: { postback_timeout_seconds: 600 },
  posted: { payout_modifier: '', zero_converts: false, on_repeat: 'adjust' },
  trigger: { match: 'substring', on_repeat: 'adjust' },
} as const

/** HEAD for the bridged ping, GET for the rest. @see behaviour B2 */
export const defaultMethod = (trigger: TrackingUrlDocument['trigger']): 'HEAD' | 'GET' =>
  trigger === 'bridged' ? 'HEAD' : 'GET'

/** The place in the list, from 1. @see behaviour B14 */
export const defaultFireOrder = (index: number): number => index + 1

/** The same document without what goes without saying, so that equal ones look alike. */
export function leaveOutDefaults(document: ConfigurationDocument): ConfigurationDocument {
  const { publishers = [], buyers = [], trunks = [], campaigns = [] } = document
  return without(
    {
      publishers,
      buyers: buyers.map(ofBuyer),
      trunks: trunks.map(ofTrunk),
      campaigns: campaigns.map(ofCampaign),
    },
    { publishers: [], buyers: [], trunks: [], campaigns: [] },
  )
}

const ofBuyer = (buyer: BuyerDocument): BuyerDocument =>
  without(
    {
      ...buyer,
      ...(buyer.caps && { caps: without(buyer.caps, {}) }),
      ...(buyer.numbers && { numbers: without(buyer.numbers, DEFAULTS.buyer.numbers) }),
    },
    { ...DEFAULTS.buyer, caps: {}, numbers: {} },
  )

function ofTrunk(trunk: TrunkDocument): TrunkDocument {
  const { numbers = {} } = trunk
  return without(
    { ...trunk, numbers: without(numbers, DEFAULTS.trunk.numbers) },
    { allow: [], numbers: {}, trusted: DEFAULTS.trunk.trusted, per_caller: {}, per_number: {} },
  )
}

const ofCampaign = (campaign: CampaignDocument): CampaignDocument =>
  without(
    {
      ...campaign,
      ...(campaign.routes && {
        routes: campaign.routes.map((route) => without(route, DEFAULTS.route)),
      }),
      ...(campaign.tracking_urls && { tracking_urls: campaign.tracking_urls.map(ofTrackingUrl) }),
      ...(campaign.conversion_groups && {
        conversion_groups: campaign.conversion_groups.map(ofGroup),
      }),
    },
    { ...DEFAULTS.rules, numbers: [] },
  )

const ofTrackingUrl = (trackingUrl: TrackingUrlDocument, index: number): TrackingUrlDocument =>
  without(trackingUrl, {
    ...DEFAULTS.trackingUrl,
    method: defaultMethod(trackingUrl.trigger),
    fire_order: defaultFireOrder(index),
  })

function ofGroup(group: ConversionGroupDocument): ConversionGroupDocument {
  const { filters = {} } = group
  const named = { ...group, filters: without(filters, { tags: {} }) }
  if (named.type === 'duration') return without(named, DEFAULTS.group)
  return without(
    { ...named, conversions: named.conversions.map(ofPostbackConversion) },
    { ...DEFAULTS.group, ...DEFAULTS.postbackGroup },
  )
}

const ofPostbackConversion = (
  conversion: PostbackConversionDocument,
): PostbackConversionDocument =>
  conversion.value === 'posted'
    ? without(conversion, DEFAULTS.posted)
    : without(conversion, DEFAULTS.trigger)

/** Leaves out what is undefined or equal to its default. */
function without<T extends object>(value: T, defaults: Readonly<Record<string, unknown>>): T {
  const said = Object.entries(value).filter(
    ([key, each]) => each !== undefined && JSON.stringify(each) !== JSON.stringify(defaults[key]),
  )
  return Object.fromEntries(said) as T
}
