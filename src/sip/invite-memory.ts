import { createBoundedMap } from '../domain/bounded-map.ts'
import type { SipMessage } from './srf.ts'

/** What became of an INVITE that may come again on another branch. */
export type Remembered =
  /** It is being answered. */
  { readonly kind: 'under_way' } | { readonly kind: 'answered'; readonly status: number }

/**
 * The calls of late, by Call-ID and From tag: a carrier that sends an INVITE again after our answer, with a
 * new branch, gets the same answer and makes no second call. @see RFC 3261 §8.2.2.2
 */
export interface InviteMemory {
  readonly find: (invite: Pick<SipMessage, 'get'>) => Remembered | undefined
  readonly begin: (invite: Pick<SipMessage, 'get'>) => void
  /** @param status the final answer; undefined where the call was answered and is over */
  readonly end: (invite: Pick<SipMessage, 'get'>, status: number | undefined) => void
}

/** 64·T1, as long as a carrier may go on repeating. @see RFC 3261 §17.1.1.2 */
const REMEMBERED_MS = 32_000
const CALLS_REMEMBERED = 20_000

/** @param nowMs a clock in milliseconds that never goes back */
export function createInviteMemory(nowMs: () => number): InviteMemory {
  const calls = createBoundedMap<{ readonly what: Remembered; readonly untilMs: number }>(
    CALLS_REMEMBERED,
  )
  return {
    find(invite) {
      const found = calls.get(keyOf(invite))
      return found && found.untilMs >= nowMs() ? found.what : undefined
    },
    begin(invite) {
      const untilMs = Number.POSITIVE_INFINITY
      calls.set(keyOf(invite), { what: { kind: 'under_way' }, untilMs })
    },
    end(invite, status) {
      const key = keyOf(invite)
      if (status === undefined) return calls.delete(key)
      const untilMs = nowMs() + REMEMBERED_MS
      return calls.set(key, { what: { kind: 'answered', status }, untilMs })
    },
  }
}

function keyOf(invite: Pick<SipMessage, 'get'>): string {
  const tag = /;\s*tag=([^;\s]+)/i.exec(invite.get('From') ?? '')?.[1] ?? ''
  return `${invite.get('Call-ID') ?? ''} ${tag}`
}
