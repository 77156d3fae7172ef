import { createHash, randomBytes } from 'node:crypto'

const PREFIX = 'bb_'
const KEY = /^bb_[A-Za-z0-9_-]{43}$/

/** A new key: 256 random bits behind a prefix by which scanners of sources and logs can know it. */
export const makeApiKey = (): string => `${PREFIX}${randomBytes(32).toString('base64url')}`

/** Whether a text has the form of a key that was made here. */
export const isApiKey = (text: string): boolean => KEY.test(text)

/**
 * What is stored and compared in place of a key. Fast on purpose: a slow hash makes guessing cost, and nobody
 * guesses 256 random bits; at every request it would cost us instead.
 */
export const digestApiKey = (text: string): Buffer => createHash('sha256').update(text).digest()
