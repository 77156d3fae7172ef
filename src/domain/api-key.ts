/** Who may use the API, from the least to the most: each may do all that the one before it may. */
export const KEY_ROLES = ['viewer', 'operator', 'administrator'] as const

/**
 * `viewer` reads what there is, but neither passwords nor the record; `operator` does the daily work; to
 * change the configuration and the keys takes an `administrator`.
 */
export type KeyRole = (typeof KEY_ROLES)[number]

/** Whether a key of role `has` may do what takes role `needed`. */
export const isRoleEnough = (has: KeyRole, needed: KeyRole): boolean =>
  KEY_ROLES.indexOf(has) >= KEY_ROLES.indexOf(needed)

/** What the environment's key is called, which is in no table. */
export const ENVIRONMENT_KEY = 'environment'

/** Keys that may be live at once: every process keeps them in memory and compares with each of them. */
export const LIVE_KEYS_MAX = 500

/** Names by which the record finds what was done without a stored key. */
const RESERVED: ReadonlySet<string> = new Set([ENVIRONMENT_KEY, 'cli'])
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,62}[\p{L}\p{N}]$|^[\p{L}\p{N}]$/u

/** What is wrong with the name of a new key, after "name"; undefined if nothing is. */
export function problemOfKeyName(name: string): string | undefined {
  if (RESERVED.has(name.toLowerCase())) return 'is taken by the service itself'
  if (name.length <= 64 && NAME.test(name)) return undefined
  return 'must be up to 64 letters, digits, spaces, dots, at signs, hyphens and underscores, with a letter or digit at both ends'
}
