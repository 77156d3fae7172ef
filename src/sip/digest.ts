import { createHash } from 'node:crypto'

/** The algorithms that can be computed here; a peer's others are passed over. @see RFC 8760 §2 */
export type DigestAlgorithm = 'SHA-256' | 'MD5'

/** What goes into a digest besides the password. @see RFC 7616 §3.4.1 */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly method: string
  readonly uri: string
  /** Undefined for peers of RFC 2069 that know no quality of protection. */
  readonly qop: { readonly nc: string; readonly cnonce: string } | undefined
}

const HASHES = { 'SHA-256': 'sha256', MD5: 'md5' } as const

/** The response to a digest challenge, in hex. Quality of protection is `auth` where there is one. */
export function digestResponse(input: DigestInput, password: string): string {
  const { algorithm, username, realm, nonce, method, uri, qop } = input
  const hash = (text: string) => createHash(HASHES[algorithm]).update(text).digest('hex')
  const secret = hash(`${username}:${realm}:${password}`)
  const request = hash(`${method}:${uri}`)
  return qop
    ? hash(`${secret}:${nonce}:${qop.nc}:${qop.cnonce}:auth:${request}`)
    : hash(`${secret}:${nonce}:${request}`)
}

/** The parameters of one challenge or of one set of credentials, names in lower case. */
export type DigestParameters = ReadonlyMap<string, string>

// Begins where a name does and nowhere inside it: anybody may send this, before we know who it is.
const PARAMETER = /(?<![\w-])([a-z][\w-]*)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi

/**
 * Reads the Digest entries of an authentication header. The SIP client joins several header lines with
 * commas, so one value may hold several challenges.
 */
export function parseDigests(text: string): readonly DigestParameters[] {
  return text
    .split(/(?:^|,)[ \t]*Digest[ \t]+/i)
    .slice(1)
    .map((part) => {
      const parameters = [...part.matchAll(PARAMETER)].map(
        ([, name = '', quoted, plain = '']) =>
          [name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain] as const,
      )
      return new Map(parameters)
    })
}

/** The algorithm that a parameter names; MD5 where there is none, undefined for those not known here. */
export function algorithmOf(parameters: DigestParameters): DigestAlgorithm | undefined {
  const name = parameters.get('algorithm')?.toUpperCase() ?? 'MD5'
  return name === 'MD5' || name === 'SHA-256' ? name : undefined
}

/** Writes a value as a quoted string. @see RFC 3261 §25.1 */
export const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`
