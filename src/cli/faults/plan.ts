import { chanceOf } from './chance.ts'

/** What a buyer does about a call. */
export type BuyerPlan =
  /** Never posts back. */
  | { readonly kind: 'silent' }
  /** Posts with a key that opens nothing. */
  | { readonly kind: 'wrong_key' }
  /** Posts these amounts in turn, each once the one before is acknowledged. */
  | {
      readonly kind: 'posts'
      readonly amounts: readonly string[]
      /** How often each is sent at the same time. */
      readonly copies: number
      /** After the call's end. */
      readonly delayMs: number
    }

/** How long calls wait for a postback: short, so that many of them are decided by silence. */
export const POSTBACK_TIMEOUT_SECONDS = 3

const TIMEOUT_MS = POSTBACK_TIMEOUT_SECONDS * 1_000
const LATE_MS = 1_000

/**
 * What happens to one call: 55 % of buyers post in time, 10 % late, 10 % within 2 % of the deadline,
 * 5 % with a wrong key, 20 % never. Of those that post in time a sixth send everything three times at
 * once, and a fifth correct themselves twice.
 * @see reliability 3.8
 */
export function planBuyer(seed: number, callUuid: string): BuyerPlan {
  const chance = (what: string) => chanceOf(seed, `${callUuid} ${what}`)
  const share = chance('kind')
  if (share < 0.2) return { kind: 'silent' }
  if (share < 0.25) return { kind: 'wrong_key' }
  const amount = (name: string) => `${1 + Math.floor(chance(name) * 99)}.${name}0`
  const once = { kind: 'posts', amounts: [amount('1')], copies: 1 } as const
  if (share < 0.35) return { ...once, delayMs: TIMEOUT_MS + LATE_MS }
  if (share < 0.45) return { ...once, delayMs: TIMEOUT_MS * (0.98 + 0.04 * chance('race')) }
  return {
    ...once,
    amounts: chance('corrects') < 0.2 ? [amount('1'), amount('2'), amount('3')] : once.amounts,
    copies: chance('repeats') < 0.15 ? 3 : 1,
    delayMs: chance('delay') * 500,
  }
}
