import { isIP } from 'node:net'
import { isAddressOrRange } from './domain/configuration-network.ts'
import type { KeySecret } from './keys.ts'

/** A value, or what is wrong with the text: a verb phrase that says what to write instead. */
export type Parsed<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'problem'; readonly problem: string }

/** Reads one setting's text, which is trimmed and not empty. */
export type Parser<T> = (text: string) => Parsed<T>

const valueOf = <T>(value: T): Parsed<T> => ({ kind: 'value', value })
const wrong = (problem: string): Parsed<never> => ({ kind: 'problem', problem })

const PORT_MAX = 65_535
const DRAIN_SECONDS_MAX = 86_400
/** Whoever holds one call's key can try secrets against it at leisure; an API key is rate-limited. */
const KEY_SECRET_LENGTH_MIN = 16
const API_KEY_LENGTH_MIN = 8
const KEY_VERSION_MAX = 36 ** 2 - 1
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/
const PRINTABLE = /^[\x21-\x7e]+$/

/** Any text. */
export const parseText: Parser<string> = valueOf

/** An IP address or a host name. */
export const parseHost: Parser<string> = (text) =>
  isIP(text) || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text))
    ? valueOf(text)
    : wrong('is not a host: write an IP address or a host name, without port')

/** A port; `min` 0 where a free one may be asked for. */
export const portFrom =
  (min: 0 | 1): Parser<number> =>
  (text) => {
    const port = readWhole(text, min, PORT_MAX)
    return port === undefined
      ? wrong(`is not a port: write a whole number from ${min} to ${PORT_MAX}`)
      : valueOf(port)
  }

/** Whole seconds, up to a day. */
export const parseSeconds: Parser<number> = (text) => {
  const seconds = readWhole(text, 0, DRAIN_SECONDS_MAX)
  return seconds === undefined
    ? wrong(`is not a time: write whole seconds from 0 to ${DRAIN_SECONDS_MAX}`)
    : valueOf(seconds)
}

function readWhole(text: string, min: number, max: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1
  return value >= min && value <= max ? value : undefined
}

/** One word of a closed list. */
export const wordOf =
  <Word extends string>(words: readonly Word[]): Parser<Word> =>
  (text) => {
    const word = words.find((each) => each === text)
    return word === undefined
      ? wrong(`is not known: write one of ${words.join(', ')}`)
      : valueOf(word)
  }

/** At least one word of a closed list, comma-separated; repeated ones count once. */
export const wordsOf =
  <Word extends string>(words: readonly Word[]): Parser<readonly Word[]> =>
  (text) => {
    const given = listOf(text)
    const known = words.filter((word) => given.includes(word))
    const isKnown = given.every((each) => (words as readonly string[]).includes(each))
    return known.length > 0 && isKnown
      ? valueOf(known)
      : wrong(`is not known: write one or more of ${words.join(', ')}, comma-separated`)
  }

/** Addresses and CIDR ranges, comma-separated. */
export const parseRanges: Parser<readonly string[]> = (text) => {
  const ranges = listOf(text)
  const bad = ranges.filter((range) => !isAddressOrRange(range))
  return bad.length === 0
    ? valueOf(ranges)
    : wrong(`holds ${bad.join(', ')}: write CIDR ranges such as 10.0.0.0/8, comma-separated`)
}

const listOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

/** `postgres:` and `postgresql:` URLs. */
export const parseDatabaseUrl: Parser<string> = (text) =>
  /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text)
    ? valueOf(text)
    : wrong('is not a PostgreSQL URL: write postgresql://user:password@host:5432/database')

/** Addresses of DNS servers, comma-separated: `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53`. */
export const parseNameServers: Parser<readonly string[]> = (text) => {
  const servers = listOf(text)
  return servers.length > 0 && servers.every(isNameServer)
    ? valueOf(servers)
    : wrong('is not a list of DNS servers: write addresses such as 192.0.2.1, or 192.0.2.1:53')
}

function isNameServer(text: string): boolean {
  if (isIP(text) > 0) return true
  const [, v6, v4, port = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  return isIP(v6 ?? v4 ?? '') > 0 && readWhole(port, 1, PORT_MAX) !== undefined
}

/** An http or https URL without query; the slash at its end is left out. */
export const parsePublicUrl: Parser<string> = (text) => {
  const url = URL.parse(text)
  const isBase = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username
  return isBase
    ? valueOf(url.href.replace(/\/+$/, ''))
    : wrong('is not a base URL: write https://calls.example.com, without query or user name')
}

/** An HTTP proxy, with user name and password where it wants them. */
export const parseProxyUrl: Parser<string> = (text) => {
  const url = URL.parse(text)
  const isProxy = url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search
  return isProxy
    ? valueOf(url.href)
    : wrong('is not a proxy: write http://proxy.example.com:3128, without path')
}

/** Where a person is reached: a page or an address to write to. */
export const parseContactUrl: Parser<string> = (text) => {
  const url = URL.parse(text)
  // It becomes a comment of a header.
  const isContact = url && /^(?:https?|mailto):$/.test(url.protocol) && !/[()\\]/.test(url.href)
  return isContact
    ? valueOf(url.href)
    : wrong('is not a contact: write https://example.com/webhooks or mailto:someone@example.com')
}

/** A SIP header's name. @see RFC 3261 §25.1, token */
export const parseHeaderName: Parser<string> = (text) =>
  /^X-[A-Za-z0-9-]{1,62}$/i.test(text)
    ? valueOf(text)
    : wrong('is not a header name: write X- and then letters, digits and hyphens')

/** `version:secret` pairs, newest first. */
export const parseKeySecrets: Parser<readonly KeySecret[]> = (text) => {
  const secrets = listOf(text).map((pair): KeySecret => {
    const [version = '', ...secret] = pair.split(':')
    return { version: readWhole(version, 1, KEY_VERSION_MAX) ?? 0, secret: secret.join(':') }
  })
  const versions = new Set(secrets.map(({ version }) => version))
  if (secrets.length === 0 || versions.has(0)) {
    return wrong(`is not a list of pairs: write version:secret, versions 1 to ${KEY_VERSION_MAX}`)
  }
  if (versions.size < secrets.length)
    return wrong('holds a version twice: give each its own number')
  return secrets.every(({ secret }) => isStrong(secret, KEY_SECRET_LENGTH_MIN))
    ? valueOf(secrets)
    : wrong(tooWeak(KEY_SECRET_LENGTH_MIN))
}

/** An administrator's key. */
export const parseApiKey: Parser<string> = (text) =>
  isStrong(text, API_KEY_LENGTH_MIN) ? valueOf(text) : wrong(tooWeak(API_KEY_LENGTH_MIN))

const tooWeak = (lengthMin: number): string =>
  `is too weak: write at least ${lengthMin} random characters without spaces`

const isStrong = (secret: string, lengthMin: number): boolean =>
  secret.length >= lengthMin && PRINTABLE.test(secret)
