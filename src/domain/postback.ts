import { type Fraction, parseRevenue } from './money.ts'
import { isPlaceholder, isUnreplacedMacro } from './postback-mistakes.ts'
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
  readonly pairs: readonly Pair[]
  /** Query and body, raw and decoded, in which triggers are looked for. */
  readonly searched: readonly string[]
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
  | 'wrong_decimal_separator'
  | 'revenue_not_a_number'
  | 'two_revenue_values'
  | 'txid_too_long'
  | 'txid_not_text'

export type ParsedPostback =
  | { readonly kind: 'postback'; readonly postback: Postback }
  | { readonly kind: 'malformed'; readonly reason: MalformedReason }

const RESERVED = new Set(['key', 'revenue', 'txid', 'reversed'])
const TAGS_MAX = 32
const TAG_LENGTH_MAX = 256
const TXID_LENGTH_MAX = 128
/** `10,00`, `1,000.00` and `1.000,00`: digits in groups, or a comma before the decimals. */
const OTHER_SEPARATOR = /^\d+,\d+$|^\d{1,3}(?:[.,' \u00a0\u202f]\d{3})+(?:[.,]\d+)?$/

/** Reads what a buyer posted. @see behaviour B4 */
export function parsePostback(text: PostbackText): ParsedPostback {
  const pairs = readPairs(text)
  if (!pairs) return { kind: 'malformed', reason: reasonOfBadEncoding(text) }
  const revenueTexts = [...new Set(valuesOf(pairs, 'revenue'))]
  if (revenueTexts.length > 1) return { kind: 'malformed', reason: 'two_revenue_values' }
  const [revenueText] = revenueTexts
  const revenue = revenueText === undefined ? undefined : parseRevenue(revenueText)
  if (revenueText !== undefined && !revenue) {
    return { kind: 'malformed', reason: reasonOf(revenueText) }
  }
  const txid = txidOf(pairs)
  if (txid !== undefined && txid.length > TXID_LENGTH_MAX) {
    return { kind: 'malformed', reason: 'txid_too_long' }
  }
  // PostgreSQL keeps no NUL in a text.
  if (txid?.includes('\0')) return { kind: 'malformed', reason: 'txid_not_text' }
  const reversed = valuesOf(pairs, 'reversed').includes('true')
  return {
    kind: 'postback',
    postback: {
      text,
      pairs,
      searched: searchedIn(text),
      revenueText,
      revenue,
      txid,
      reversed,
      tags: tagsOf(pairs),
    },
  }
}

function reasonOf(revenueText: string): MalformedReason {
  if (revenueText === '') return 'empty_revenue'
  if (isUnreplacedMacro(revenueText)) return 'unreplaced_macro'
  return OTHER_SEPARATOR.test(revenueText) ? 'wrong_decimal_separator' : 'revenue_not_a_number'
}

/** `revenue=%%amount%%` is broken percent-encoding too, but that would tell its sender nothing. */
function reasonOfBadEncoding({ query, body }: PostbackText): MalformedReason {
  const values = [query, body].flatMap((text) =>
    text.split('&').flatMap((pair) => /^revenue=(.*)$/s.exec(pair)?.[1] ?? []),
  )
  return values.some((value) => /^%%.*%%$|^%[A-Za-z_]\w*%$/.test(value))
    ? 'unreplaced_macro'
    : 'bad_percent_encoding'
}

/** A placeholder is no transaction id: every postback would seem to repeat the first. */
function txidOf(pairs: readonly Pair[]): string | undefined {
  return valuesOf(pairs, 'txid').find((value) => value !== '' && !isPlaceholder(value))
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

/** Takes the values of `key` out of a raw query, however that name is spelt, and gives them decoded. @see behaviour B7 */
export function takeKeys(query: string): {
  readonly rest: string
  readonly keys: readonly string[]
} {
  const keys: string[] = []
  const rest = query.split('&').map((pair) => {
    const [name = ''] = pair.split('=', 1)
    if (decodeLeniently(name).toLowerCase() !== 'key') return pair
    keys.push(decodeLeniently(pair.slice(name.length + 1)))
    return `${name}=`
  })
  return { rest: rest.join('&'), keys }
}

/** Whether the conversion's trigger stands in the postback, which holds no key. @see behaviour B6 */
export function hasTrigger(
  { trigger, match }: { readonly trigger: string; readonly match: 'substring' | 'parameter' },
  { pairs, searched }: Pick<Postback, 'pairs' | 'searched'>,
): boolean {
  switch (match) {
    case 'parameter':
      return pairs.some((pair) => pair.join('=') === trigger)
    case 'substring':
      return searched.some((text) => text.includes(trigger))
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
        return hasTrigger(conversion, postback)
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

const searchedIn = ({ query, body }: PostbackText): readonly string[] => [
  ...new Set([query, body].flatMap((text) => [text, decodeText(text)])),
]

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

const ENCODED = /[%+]/

function decodeLeniently(text: string): string {
  if (!ENCODED.test(text)) return text
  try {
    return decodeText(text)
  } catch {
    return text
  }
}
