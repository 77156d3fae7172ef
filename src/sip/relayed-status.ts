import { isChallenge } from './dialog-credentials.ts'

/** What the SIP client can send besides the general status of each class; for others it throws. */
const KNOWN: ReadonlySet<number> = new Set([
  202, 204, 301, 302, 305, 380, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415,
  416, 417, 420, 421, 422, 423, 424, 428, 429, 430, 433, 436, 437, 438, 439, 470, 480, 481, 482,
  483, 484, 485, 486, 487, 488, 489, 491, 493, 494, 501, 502, 503, 504, 505, 513, 580, 603, 604,
  606,
])

/**
 * The status with which one side's final response goes back to the other: as it came, or the general one of its
 * class where nobody has defined it. A challenge is 500: credentials are between us and who asks for them.
 * @param told whatever number the peer has sent
 * @see RFC 3261 §8.1.3.2
 */
export function relayedStatus(told: number): number {
  if (isChallenge(told)) return 500
  if (KNOWN.has(told)) return told
  return told >= 200 && told < 700 ? Math.floor(told / 100) * 100 : 500
}
