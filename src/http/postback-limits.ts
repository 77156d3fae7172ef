import { createRateLimiter, networkOf, type Rate, WRONG_KEYS } from './rate-limit.ts'

/** How often `set_value` may be asked. */
export interface PostbackLimits {
  /** Of all requests from one network. */
  readonly perSource: Rate
  /** Of requests with the right key for one call. */
  readonly perCall: Rate
  /** Of wrong keys for one UUID from one network. */
  readonly wrongKeys: Rate
}

/** One platform posts for many buyers from one address, so a source may send thousands a second. */
export const POSTBACK_LIMITS: PostbackLimits = {
  perSource: { perSecond: 5_000, burst: 10_000 },
  perCall: { perSecond: 20, burst: 200 },
  wrongKeys: WRONG_KEYS,
}

/** Each method gives the milliseconds to wait; 0 is go on. @see behaviour B7 */
export interface PostbackLimiter {
  /** Any request, before its key is looked at. Right keys wait too after too many wrong ones. */
  request(source: string, callUuid: string): number
  wrongKey(source: string, callUuid: string): void
  /** A request whose key is right: wrong ones cannot use up what a call's buyer may send. */
  call(callUuid: string): number
}

/** Counts requests in this process's memory. */
export function createPostbackLimiter(
  limits: PostbackLimits,
  nowMs: () => number = () => performance.now(),
): PostbackLimiter {
  const bySource = createRateLimiter(limits.perSource)
  const byCall = createRateLimiter(limits.perCall)
  const byWrongKey = createRateLimiter(limits.wrongKeys)
  const name = (source: string, callUuid: string) => `${networkOf(source)} ${callUuid}`
  return {
    request(source, callUuid) {
      const now = nowMs()
      const wait = bySource.take(networkOf(source), now)
      return wait > 0 ? wait : byWrongKey.peek(name(source, callUuid), now)
    },
    wrongKey: (source, callUuid) => void byWrongKey.take(name(source, callUuid), nowMs()),
    call: (callUuid) => byCall.take(callUuid, nowMs()),
  }
}
