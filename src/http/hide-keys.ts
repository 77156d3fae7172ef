import type { PostbackText } from '../domain/postback.ts'

/** As call keys are written, standing alone or behind a percent-encoded character. */
const LIKE_A_KEY = /(?:(?<![0-9a-z])|(?<=%[0-9a-f]{2}))[0-9a-z]{4}[0-9a-f]{40}(?![0-9a-z])/gi

/**
 * Leaves out keys that stand where no key belongs (`amp;key=`, `api_key=`): what is kept of a postback is read by
 * people who may see the call and not its money. What only looks like a key stays. @see behaviour B7
 */
export function hideKeys(text: PostbackText, isKey: (text: string) => boolean): PostbackText {
  const hide = (part: string) => part.replaceAll(LIKE_A_KEY, (like) => (isKey(like) ? '' : like))
  return { query: hide(text.query), body: hide(text.body) }
}
