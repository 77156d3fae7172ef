import type { PostbackText } from './postback.ts'

/** A name that was meant, behind a separator that separates nothing. */
const MISPLACED = /(?:&amp;|[;?|,]|%26|%3B|%3F)(?:revenue|txid|reversed)=/i

/**
 * The mistake in a postback that says nothing of value: a parameter that was meant stands behind `;`,
 * `?`, `&amp;` or an encoded `&`, and so became part of another one. Undefined if there is none.
 */
export function findMistake({ query, body }: PostbackText): 'wrong_separator' | undefined {
  return MISPLACED.test(query) || MISPLACED.test(body) ? 'wrong_separator' : undefined
}

/**
 * Whether a value is a placeholder that the sender's platform should have replaced: `[revenue]`,
 * `{payout}`, `{{x}}`, `${x}`, `%%x%%`, `%x%`, `<x>`, `#x#`, `*|x|*`, `$(x)`, `@x@`, `__x__`, `:x`.
 */
export function isUnreplacedMacro(value: string): boolean {
  return MACRO.test(value.trim())
}

/**
 * Whether a value is a placeholder and nothing else: a transaction id may well have brackets in it. A name
 * has a letter, and is no GUID, which some write in braces.
 */
export function isPlaceholder(value: string): boolean {
  const inside = PLACEHOLDER.exec(value.trim())?.slice(1).find(Boolean)
  return inside !== undefined && /[A-Za-z]/.test(inside) && !GUID.test(inside)
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const NAME = String.raw`[A-Za-z_][\w .:-]*`
const MACRO = new RegExp(
  [
    String.raw`\[[^\]]*\]`,
    String.raw`\{[^}]*\}`,
    '<[^>]*>',
    String.raw`\$\(${NAME}\)`,
    String.raw`%%.*%%`,
    `%${NAME}%`,
    '#.+#',
    String.raw`\*\|.*\|\*`,
    `^@${NAME}@$`,
    `^__${NAME}__$`,
    `^:${NAME}$`,
    `^\\$${NAME}\\$?$`,
  ].join('|'),
)

const PLACEHOLDER = new RegExp(
  [
    String.raw`\[+([^[\]]*)\]+`,
    String.raw`\$?\{+([^{}]*)\}+`,
    '<+([^<>]*)>+',
    String.raw`\$\((${NAME})\)`,
    '%%([^%]*)%%',
    `%(${NAME})%`,
    '#([^#]+)#',
    String.raw`\*\|([^|]*)\|\*`,
    `@(${NAME})@`,
    `__(${NAME})__`,
    `:(${NAME})`,
    `\\$(${NAME})\\$?`,
  ]
    .map((form) => `^${form}$`)
    .join('|'),
)
