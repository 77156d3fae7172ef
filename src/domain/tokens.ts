/** Tokens that every call has; any other name is taken for a tag. @see behaviour B3 */
export const CALL_TOKENS = [
  'call_uuid',
  'call_key',
  'caller_number',
  'caller_id',
  'nanp_caller_number',
  'called_number',
  'dialed_number',
  'campaign_id',
  'campaign_name',
  'publisher_id',
  'publisher_name',
  'affiliate_id',
  'sub_id',
  'buyer_id',
  'buyer_name',
  'target_id',
  'call_start_time',
  'call_answer_time',
  'call_end_time',
  'call_duration',
  'total_duration',
  'hung_up_by',
  'sip_status',
  'converted',
  'conversion_name',
  'revenue',
  'payout',
  'postback_value',
  'late',
  'duplicate',
  'delivery_id',
  'trigger',
] as const

/** What each token stands for; absent and empty mean the same. */
export type TokenValues = Readonly<Record<string, string | undefined>>

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'token'; readonly name: string; readonly fallback: string }

/** A text with `[tokens]`, read once. */
export type Template = readonly Part[]

export type ParsedTemplate =
  | { readonly kind: 'template'; readonly parts: Template }
  | { readonly kind: 'malformed'; readonly position: number; readonly problem: string }

/** Expanded text, and the names of tokens that had neither value nor default. */
export interface Expanded {
  readonly text: string
  readonly missing: readonly string[]
}

const TAG_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
const TOKEN = /\[([^\][]*)\](?:\{([^{}]*)\})?/g

/** Whether `name` may be used as a tag, and so as a token that no call has yet. */
export function isTagName(name: string): boolean {
  return TAG_NAME.test(name)
}

/**
 * Reads `[name]` and `[name]{default}`. A bracket that is no token, and a name that could not even be
 * a tag, are malformed; `position` counts from 1.
 */
export function parseTemplate(text: string): ParsedTemplate {
  const parts: Part[] = []
  let end = 0
  const problemIn = (gap: string): ParsedTemplate | undefined => {
    const bracket = gap.search(/[[\]]/)
    if (bracket < 0) return undefined
    return { kind: 'malformed', position: end + bracket + 1, problem: 'a bracket that is no token' }
  }
  for (const match of text.matchAll(TOKEN)) {
    const gap = text.slice(end, match.index)
    const problem = problemIn(gap)
    if (problem) return problem
    const [whole, name = '', fallback = ''] = match
    if (!isTagName(name)) {
      return { kind: 'malformed', position: match.index + 1, problem: `unknown token ${whole}` }
    }
    if (gap) parts.push({ kind: 'text', text: gap })
    parts.push({ kind: 'token', name, fallback })
    end = match.index + whole.length
  }
  const rest = text.slice(end)
  const problem = problemIn(rest)
  if (problem) return problem
  if (rest) parts.push({ kind: 'text', text: rest })
  return { kind: 'template', parts }
}

/**
 * Replaces every token in one pass: a value that itself looks like a token is not expanded again.
 * `encode` makes a value fit the place where it stands.
 */
export function expandTemplate(
  template: Template,
  values: TokenValues,
  encode: (value: string, name: string) => string,
): Expanded {
  const missing: string[] = []
  const text = template.map((part) => {
    if (part.kind === 'text') return part.text
    const value = (Object.hasOwn(values, part.name) && values[part.name]) || part.fallback
    if (!value) missing.push(part.name)
    return encode(value, part.name)
  })
  return { text: text.join(''), missing }
}
