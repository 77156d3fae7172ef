import { randomFillSync, randomInt } from 'node:crypto'
import { MAGIC_COOKIE } from '../message/via.ts'

/**
 * Without vowels no header's name can be spelled. Some parsers look for the names anywhere in a
 * message, and lose a call in a few hundred thousand to a tag with `CSeq` in it.
 */
const ALPHABET = '0123456789bcdfghjklmnpqrstvwxyz-'
const pool = Buffer.alloc(4_096)
let used = pool.length

/** Random text of consonants, digits and `-`: five bits of chance a character. */
export function randomText(length: number): string {
  if (used + length > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  let text = ''
  for (let at = 0; at < length; at++) text += ALPHABET.charAt((pool[used + at] ?? 0) & 31)
  used += length
  return text
}

/** A tag: 60 bits, where RFC 3261 §19.3 asks for 32. */
export function newTag(): string {
  return randomText(12)
}

/** A branch that no other request of any kind has. */
export function newBranch(): string {
  return MAGIC_COOKIE + randomText(16)
}

/** A Call-ID that is unique everywhere. */
export function newSipCallId(): string {
  return randomText(24)
}

/** A CSeq number to begin with: far from both ends. */
export function firstCSeq(): number {
  return randomInt(1, 100_000_000)
}

const SALT = randomInt(0, 2 ** 32)

/**
 * The tag of a response that no transaction remembers: the same for every copy of the request, and
 * not to be guessed from outside. @see RFC 3261 §8.2.7
 */
export function statelessTag(request: string): string {
  let hash = 0x811c9dc5 ^ SALT
  for (let at = 0; at < request.length; at++)
    hash = Math.imul(hash ^ request.charCodeAt(at), 0x01000193)
  return `s${(hash >>> 0).toString(16)}`
}
