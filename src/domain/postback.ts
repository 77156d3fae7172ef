import { type Fraction, parseRevenue } from './money.ts'
import { isTagName } from './tokens.ts'
import type { PostbackConversion } from './conversion-group.ts'

/** One `name=value` of a postback, percent-decoded. */
export type Pair = readonly [name: string, value: string]

/**
 * A postback as it is kept: the raw query and the body in the same form, without the key, so that
 * every rule can be applied to it again later.
 */
export interface PostbackText {
  /** Raw query without `?`; the key's value is left out. */
  readonly query: string
  /** Form body as sent, or the JSON body's top-level pairs written as a query; empty if there was none. */
  readonly body: string
}

/** What a well-formed postback says. */
export interface Postback {
  readonly text: PostbackText
  /** Exactly as posted. */
  readonly revenueText: string | undefined
  readonly revenue: Fraction | undefined
  readonly txid: string | undefined
  readonly reversed: boolean
  /** Everything else that was posted, for tags. */
  readonly tags: Readonly<Record<string, string>>
}

export type MalformedReason =
  | 'bad_percent_encoding'
  | 'empty_revenue'
  | 'unreplaced_macro'
  | 'revenue_not_a_number'
  | 'two_revenue_values'
  | 'txid_too_long'

export type ParsedPostback =
  | { readonly kind: 'postback'; readonly postback: Postback }
  | { readonly kind: 'malformed'; readonly reason: MalformedReason }

const RESERVED = new Set(['key', 'revenue', 'txid', 'reversed'])
const TAGS_MAX = 32
const TAG_LENGTH_MAX = 256
const TXID_LENGTH_MAX = 128
const UNREPLACED_MACRO = /^(?:\[.*\]|\{.*\}|%%.*%%|<.*>|\$\{.*\}|#.*#)$/

/** Reads what a buyer posted. @see behaviour B4 */
export function parsePostback(text: PostbackText): ParsedPostback {
  const pairs = readPairs(text)
  if (!pairs) return { kind: 'malformed', reason: 'bad_percent_encoding' }
  const revenueTexts = [...new Set(valuesOf(pairs, 'revenue'))]
  if (revenueTexts.length > 1) return { kind: 'malformed', reason: 'two_revenue_values' }
  const [revenueText] = revenueTexts
  const revenue = revenueText === undefined ? undefined : parseRevenue(revenueText)
  if (revenueText !== undefined && !revenue) {
    return { kind: 'malformed', reason: reasonOf(revenueText) }
  }
  const txid = valuesOf(pairs, 'txid').find((value) => value !== '')
  if (txid !== undefined && txid.length > TXID_LENGTH_MAX) {
    return { kind: 'malformed', reason: 'txid_too_long' }
  }
  const reversed = valuesOf(pairs, 'reversed').includes('true')
  return {
    kind: 'postback',
    postback: { text, revenueText, revenue, txid, reversed, tags: tagsOf(pairs) },
  }
}

function reasonOf(revenueText: string): MalformedReason {
  if (revenueText === '') return 'empty_revenue'
  return UNREPLACED_MACRO.test(revenueText.trim()) ? 'unreplaced_macro' : 'revenue_not_a_number'
}

/** Splits a query into decoded pairs; undefined where the percent-encoding is broken. */
export function decodePairs(query: string): readonly Pair[] | undefined {
  if (query === '') return []
  try {
    return query.split('&').map((pair): Pair => {
      const [name = '', ...value] = pair.split('=')
      return [decodeText(name), decodeText(value.join('='))]
    })
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** Leaves the key's value out of a raw query, however its name is spelt. @see behaviour B7 */
export function withoutKey(query: string): string {
  return query
    .split('&')
    .map((pair) => {
      const name = pair.split('=', 1)[0] ?? ''
      return decodeLeniently(name).toLowerCase() === 'key' ? `${name}=` : pair
    })
    .join('&')
}

/** Whether the conversion's trigger stands in the postback. @see behaviour B6 */
export function hasTrigger(
  { trigger, match }: { readonly trigger: string; readonly match: 'substring' | 'parameter' },
  { query, body }: PostbackText,
): boolean {
  const raw = [query, body].map(withoutKey)
  switch (match) {
    case 'parameter':
      return raw.some((text) => {
        const pairs = decodePairs(text) ?? []
        return pairs.some((pair) => pair.join('=') === trigger)
      })
    case 'substring':
      return [...raw, ...raw.map(decodeLeniently)].some((text) => text.includes(trigger))
  }
}

/** Whether every postback would hold this trigger, so that it decides nothing. @see behaviour B6 */
export function isTriggerAlwaysPresent(trigger: string): boolean {
  return 'key='.includes(trigger)
}

/** The first conversion, in order, that the postback qualifies for. @see behaviour B6 */
export function matchConversion(
  conversions: readonly PostbackConversion[],
  postback: Postback,
): PostbackConversion | undefined {
  return conversions.find((conversion) => {
    switch (conversion.kind) {
      case 'trigger':
        return hasTrigger(conversion, postback.text)
      case 'posted':
        return (
          postback.revenue !== undefined &&
          (postback.revenue.numerator > 0n || conversion.zeroConverts)
        )
    }
  })
}

function readPairs({ query, body }: PostbackText): readonly Pair[] | undefined {
  const ofQuery = decodePairs(query)
  const ofBody = decodePairs(body)
  return ofQuery && ofBody && [...ofQuery, ...ofBody]
}

function valuesOf(pairs: readonly Pair[], wanted: string): readonly string[] {
  return pairs.flatMap(([name, value]) => (name === wanted ? [value] : []))
}

function tagsOf(pairs: readonly Pair[]): Readonly<Record<string, string>> {
  const tags = pairs
    .filter(([name]) => isTagName(name) && !RESERVED.has(name))
    .filter(([, value]) => value.length <= TAG_LENGTH_MAX && !value.includes('\0'))
  return Object.fromEntries(tags.slice(0, TAGS_MAX))
}

const decodeText = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '))

function decodeLeniently(text: string): string {
  try {
    return decodeText(text)
  } catch {
    return text
  }
}
