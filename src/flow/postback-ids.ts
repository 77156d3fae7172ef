import { randomFillSync } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'

const ID_BYTES = 16
/** Chance costs by the request for it, not by the byte: one id at a time is a tenth of taking a postback in. */
const IDS_AT_ONCE = 256

/**
 * Gives ids of version 7, each above all that it has given before, also within a millisecond and when the
 * clock goes back. @see RFC 9562 §6.2, method 1
 */
export function createPostbackIds(now: () => number): () => string {
  const chance = new Uint8Array(IDS_AT_ONCE * ID_BYTES)
  let left = 0
  let msecs = 0
  let seq = 0
  return () => {
    if (left === 0) {
      randomFillSync(chance)
      left = IDS_AT_ONCE
    }
    left--
    const random = chance.subarray(left * ID_BYTES, (left + 1) * ID_BYTES)
    const nowMs = now()
    if (nowMs > msecs) {
      msecs = nowMs
      seq = firstOfMillisecond(random)
    } else seq++
    return uuidv7({ random, msecs, seq })
  }
}

/** 24 bits of chance, with room for as many ids as a millisecond can have and more. */
function firstOfMillisecond([first = 0, second = 0, third = 0]: Uint8Array): number {
  return (first << 16) | (second << 8) | third
}
