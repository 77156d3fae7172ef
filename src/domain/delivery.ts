import type { TokenValues } from './tokens.ts'
import { expandUrl, selectTrackingUrls, type TrackingUrl, type Trigger } from './tracking-url.ts'

/** One request to be made for a call, as it is put into the outbox. */
export interface NewDelivery {
  readonly callUuid: string
  readonly trackingUrlId: string
  /** Which time this URL fires for the call: the leg for `selected`, the revision for outcomes, else 0. */
  readonly occurrence: number
  readonly trigger: Trigger
  readonly method: 'HEAD' | 'GET' | 'POST'
  /** With `[call_key]` in the place of the key. */
  readonly url: string
  readonly host: string
  readonly body: DeliveryBody | undefined
  readonly leg: number | undefined
  readonly getAfterHeadRefused: boolean
  /** Tokens of the template that had neither value nor default. */
  readonly missingTokens: readonly string[]
}

/** What a POST carries: every token of the call but its key. @see Standard Webhooks */
export interface DeliveryBody {
  readonly type: Trigger
  readonly data: Readonly<Record<string, string>>
}

/** The name of a delivery: the same on every attempt. @see behaviour B14 */
export function deliveryId(delivery: {
  readonly callUuid: string
  readonly trackingUrlId: string
  readonly occurrence: number
}): string {
  const { callUuid, trackingUrlId, occurrence } = delivery
  return `${callUuid.replaceAll('-', '')}_${trackingUrlId}_${occurrence}`
}

export interface Firing {
  readonly trigger: Trigger
  readonly occurrence: number
  readonly callUuid: string
  readonly publisherId: string
  readonly buyerId: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly leg: number | undefined
  readonly values: TokenValues
}

/** The deliveries that follow when `firing.trigger` happens to a call, in the order they fire. */
export function buildDeliveries(
  trackingUrls: readonly TrackingUrl[],
  firing: Firing,
): readonly NewDelivery[] {
  const { callUuid, trigger, occurrence, leg } = firing
  return selectTrackingUrls(trackingUrls, trigger, firing).map((trackingUrl) => {
    const { trackingUrlId, method, template, getAfterHeadRefused } = trackingUrl
    const values: TokenValues = {
      ...firing.values,
      trigger,
      delivery_id: deliveryId({ callUuid, trackingUrlId, occurrence }),
    }
    const { text, missing } = expandUrl(template, values, { isKeyless: leg === undefined })
    return {
      callUuid,
      trackingUrlId,
      occurrence,
      trigger,
      method,
      url: text,
      host: template.host,
      body: method === 'POST' ? buildBody(trigger, values) : undefined,
      leg,
      getAfterHeadRefused,
      missingTokens: missing,
    }
  })
}

/** What a POST carries; `values` must hold no key. */
export function buildBody(type: Trigger, values: TokenValues): DeliveryBody {
  const entries = Object.entries(values).filter((entry): entry is [string, string] => !!entry[1])
  return { type, data: Object.fromEntries(entries) }
}

const DELIVERY_ID =
  /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_([a-z0-9-]{1,63})_(\d{1,9})$/

/** What a delivery's name stands for; undefined for any other text. */
export function parseDeliveryId(
  text: string,
): { callUuid: string; trackingUrlId: string; occurrence: number } | undefined {
  const [whole, ...parts] = DELIVERY_ID.exec(text) ?? []
  if (whole === undefined) return undefined
  const [trackingUrlId = '', occurrence = ''] = parts.slice(5)
  return {
    callUuid: parts.slice(0, 5).join('-'),
    trackingUrlId,
    occurrence: Number(occurrence),
  }
}
