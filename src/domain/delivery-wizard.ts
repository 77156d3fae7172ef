import { isTagName } from './tokens.ts'
import { parseUrlTemplate } from './tracking-url.ts'

/** How the buyer's platform marks what it fills in. */
export const MACRO_STYLES = {
  curly: ['{', '}'],
  double_curly: ['{{', '}}'],
  square: ['[', ']'],
  percent: ['%%', '%%'],
} as const

export type MacroStyle = keyof typeof MACRO_STYLES

/** One parameter of the ping. */
export interface ChosenToken {
  /** The name that the buyer wants it under. */
  readonly parameter: string
  readonly token: string
}

/** What an operator has chosen. */
export interface BuyerUrlChoice {
  /** Where the buyer takes pings. */
  readonly pingBase: string
  readonly tokens: readonly ChosenToken[]
  /** Base of our own postback URLs, without a slash at the end. */
  readonly postbackBase: string
  readonly style: MacroStyle
  /** How a sale is told: the macro of its value, or a fixed `name=value` as the trigger says. */
  readonly sale:
    | { readonly kind: 'revenue'; readonly macro: string }
    | { readonly kind: 'trigger'; readonly trigger: string }
}

/** Both URLs, or what is wrong with the choice. */
export type BuyerUrls =
  | { readonly kind: 'problem'; readonly path: string; readonly message: string }
  | { readonly kind: 'urls'; readonly ping: string; readonly postback: string }

const NEEDED = ['call_uuid', 'call_key'] as const

/**
 * The ping URL for our side and the postback URL for the buyer's: the ping tells the buyer the call's
 * UUID and key under the names chosen, and the postback gives them back from the buyer's macros of
 * the same names. UUID and key are added where they were not chosen, since without them nothing can
 * be posted back.
 */
export function buildBuyerUrls(choice: BuyerUrlChoice): BuyerUrls {
  const wrong = choice.tokens.find(
    ({ parameter, token }) => !isName(parameter) || !isTagName(token),
  )
  if (wrong) {
    const message = `write parameter:token, as in id:call_uuid, not ${wrong.parameter}:${wrong.token}`
    return { kind: 'problem', path: 'tokens', message }
  }
  const chosen = withNeeded(choice.tokens)
  const ping = addParameters(
    choice.pingBase,
    chosen.map(({ parameter, token }) => `${parameter}=[${token}]`),
  )
  const parsed = parseUrlTemplate(ping)
  if (parsed.kind === 'malformed') {
    return { kind: 'problem', path: 'base_url', message: parsed.problem }
  }
  return { kind: 'urls', ping, postback: postbackOf(choice, chosen) }
}

function withNeeded(tokens: readonly ChosenToken[]): readonly ChosenToken[] {
  const missing = NEEDED.filter((needed) => !tokens.some(({ token }) => token === needed))
  return [...tokens, ...missing.map((token) => ({ parameter: token, token }))]
}

function postbackOf(
  { postbackBase, style, sale }: BuyerUrlChoice,
  tokens: readonly ChosenToken[],
): string {
  const [open, close] = MACRO_STYLES[style]
  const macro = (name: string) => `${open}${name}${close}`
  const macroOf = (token: string) =>
    macro(tokens.find((chosen) => chosen.token === token)?.parameter ?? token)
  const told = sale.kind === 'revenue' ? `revenue=${macro(sale.macro)}` : sale.trigger
  return `${postbackBase}/calls/${macroOf('call_uuid')}/set_value?key=${macroOf('call_key')}&${told}`
}

function addParameters(base: string, parameters: readonly string[]): string {
  const [, start = '', fragment = ''] = /^([^#]*)(.*)$/s.exec(base) ?? []
  const mark = !start.includes('?') ? '?' : /[?&]$/.test(start) ? '' : '&'
  return start + mark + parameters.join('&') + fragment
}

const isName = (text: string): boolean => /^[A-Za-z0-9_.~-]{1,64}$/.test(text)
