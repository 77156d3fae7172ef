import {
  type Expanded,
  expandTemplate,
  parseTemplate,
  type Template,
  type TokenValues,
} from './tokens.ts'

export const TRIGGERS = [
  'start',
  'selected',
  'bridged',
  'finished',
  'converted',
  'not_converted',
  'adjusted',
] as const

/** The moment at which a tracking URL is fired. @see behaviour B14 */
export type Trigger = (typeof TRIGGERS)[number]

/** Which calls something applies to; an absent filter matches every call. */
export interface Filters {
  readonly publisherId?: string
  readonly buyerId?: string
  readonly tags?: Readonly<Record<string, string>>
}

export interface TrackingUrl {
  readonly trackingUrlId: string
  readonly trigger: Trigger
  readonly method: 'HEAD' | 'GET' | 'POST'
  readonly template: UrlTemplate
  readonly filters: Filters
  /** Lower fires first within a call and trigger. */
  readonly fireOrder: number
  /** Whether a 405 or 501 to HEAD is followed by one GET. @see behaviour B2 */
  readonly getAfterHeadRefused: boolean
}

/** A URL whose scheme, host and port are fixed; only what follows may hold tokens. */
export interface UrlTemplate {
  /** As configured. */
  readonly source: string
  readonly origin: string
  readonly host: string
  readonly rest: Template
}

export type ParsedUrlTemplate =
  | { readonly kind: 'url'; readonly template: UrlTemplate }
  | { readonly kind: 'malformed'; readonly problem: string }

const URL_LENGTH_MAX = 2_000
const URL_PARTS = /^(https?:\/\/)([^/?#]*)(.*)$/is

/** The token whose value is put in only when the request is sent, so that no key is ever stored. */
const KEY_TOKEN = 'call_key'
const KEY_PLACE = `[${KEY_TOKEN}]`

/** Reads the URL of a tracking URL. @see behaviour B3 */
export function parseUrlTemplate(source: string): ParsedUrlTemplate {
  const malformed = (problem: string): ParsedUrlTemplate => ({ kind: 'malformed', problem })
  if (source.length > URL_LENGTH_MAX) return malformed(`longer than ${URL_LENGTH_MAX} characters`)
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x20\x7f]/.test(source)) return malformed('holds a space or a control character')
  const [, scheme, authority, rest = ''] = URL_PARTS.exec(source) ?? []
  if (!scheme || !authority) return malformed('must begin with http:// or https:// and a host')
  if (authority.includes('@')) return malformed('must not hold a user name or password')
  if (/[[\]]/.test(authority.replace(/^\[[0-9a-fA-F:.]+\]/, ''))) {
    return malformed('tokens may not stand in the host or port')
  }
  if (!URL.canParse(`${scheme}${authority}`)) return malformed('the host or port is not valid')
  const parsed = parseTemplate(rest)
  if (parsed.kind === 'malformed') {
    const position = scheme.length + authority.length + parsed.position
    return malformed(`${parsed.problem} at position ${position}`)
  }
  const { origin, host } = new URL(`${scheme}${authority}`)
  return { kind: 'url', template: { source, origin, host, rest: parsed.parts } }
}

/**
 * The URL to request, with every value percent-encoded so that it can add no parameter, path segment,
 * fragment or host, and take no segment away. The call's key is left as `[call_key]`; {@link insertCallKey} puts
 * it in. Where no buyer has been rung there is no key, which is as empty as any other token then.
 */
export function expandUrl(
  template: UrlTemplate,
  values: TokenValues,
  { isKeyless = false }: { readonly isKeyless?: boolean } = {},
): Expanded {
  const { text, missing } = expandTemplate(
    template.rest,
    { ...values, [KEY_TOKEN]: isKeyless ? undefined : KEY_PLACE },
    (value, name) => (name === KEY_TOKEN && !isKeyless ? KEY_PLACE : encodeValue(value)),
  )
  const rest = withoutFilledDots(text, template.rest)
  return { text: template.origin + (rest.startsWith('/') ? rest : `/${rest}`), missing }
}

/** What a URL parser takes for `.` or `..`. @see RFC 3986 §5.2.4; the URL Standard for `%2e` */
const DOT_SEGMENT = /^(?:\.|%2e){1,2}$/i

/**
 * A path segment that its tokens have made one of dots is left empty, since it would take itself or the one before
 * away, encoded or not. Dots that were written without a token mean what they always mean.
 */
function withoutFilledDots(text: string, template: Template): string {
  const [path, rest] = splitPath(text)
  const segments = splitSegments(path)
  if (!segments.some((segment) => DOT_SEGMENT.test(segment))) return text
  const [writtenPath] = splitPath(expandTemplate(template, {}, () => 'token').text)
  const written = splitSegments(writtenPath)
  const isFilled = (index: number) => !DOT_SEGMENT.test(written[index] ?? '')
  const kept = segments.map((segment, index) =>
    DOT_SEGMENT.test(segment) && isFilled(index) ? '' : segment,
  )
  return kept.join('') + rest
}

/** The path, and what follows it. */
function splitPath(text: string): readonly [path: string, rest: string] {
  const end = text.search(/[?#]/)
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end)]
}

/** Segments and what stands between them: a parser takes a backslash for a slash. */
const splitSegments = (path: string): readonly string[] => path.split(/([/\\])/)

/** Puts the key into an expanded URL, at the moment of sending. */
export function insertCallKey(expandedUrl: string, callKey: string): string {
  return expandedUrl.replaceAll(KEY_PLACE, callKey)
}

function encodeValue(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Whether a call with these properties passes the filters. */
export function matchesFilters(
  filters: Filters,
  call: {
    readonly publisherId: string
    readonly buyerId: string | undefined
    readonly tags: Readonly<Record<string, string>>
  },
): boolean {
  if (filters.publisherId !== undefined && filters.publisherId !== call.publisherId) return false
  if (filters.buyerId !== undefined && filters.buyerId !== call.buyerId) return false
  return Object.entries(filters.tags ?? {}).every(([name, value]) => call.tags[name] === value)
}

/** The tracking URLs to fire for a call at a trigger, in the order in which they fire. */
export function selectTrackingUrls(
  trackingUrls: readonly TrackingUrl[],
  trigger: Trigger,
  call: Parameters<typeof matchesFilters>[1],
): readonly TrackingUrl[] {
  return trackingUrls
    .filter((trackingUrl) => trackingUrl.trigger === trigger)
    .filter((trackingUrl) => matchesFilters(trackingUrl.filters, call))
    .toSorted((a, b) => a.fireOrder - b.fireOrder)
}
