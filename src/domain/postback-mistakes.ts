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
