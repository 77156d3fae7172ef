import type { IncomingHttpHeaders } from 'node:http'
import { type PostbackText, takeKeys } from '../domain/postback.ts'
import { parseCallUuid } from './call-uuid.ts'
import { readFlatJson } from './flat-json.ts'

/** What arrives at `set_value`, before anything is believed. */
export interface RawPostback {
  /** As it stands in the path. */
  readonly uuidText: string
  /** Request target, as sent. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  /** Bytes of a POST's body. */
  readonly body: Buffer | undefined
}

/** Why a body is not read. */
export type BodyRefusal =
  'unsupported_media_type' | 'malformed_json' | 'body_not_flat' | 'body_not_text'

/** What a request to `set_value` says. */
export interface ReadPostback {
  /** Undefined where the path holds no UUID. */
  readonly callUuid: string | undefined
  /** Undefined where there is no key, or keys that differ. */
  readonly key: string | undefined
  /** Without the key. */
  readonly text: PostbackText
  readonly bodyRefusal: BodyRefusal | undefined
  readonly isPrefetch: boolean
}

interface ReadBody {
  /** In the form of a query, without its keys. */
  readonly rest: string
  readonly keys: readonly string[]
  readonly refusal?: BodyRefusal
}

const NO_BODY: ReadBody = { rest: '', keys: [] }

/**
 * Reads a request to `set_value`. The query is taken as it was sent: triggers are looked for in the
 * raw text. The key may stand in the query, in the `X-Call-Key` or `Authorization: Bearer` header,
 * or in the body. @see behaviour B4, B6, B7
 */
export function readPostback({ uuidText, target, headers, body }: RawPostback): ReadPostback {
  const query = takeKeys(queryOf(target))
  const read = body === undefined || body.length === 0 ? NO_BODY : readBody(headers, body)
  const given = [...query.keys, ...keysOfHeaders(headers), ...read.keys]
  const keys = new Set(given.filter((key) => key !== ''))
  const key = keys.size === 1 ? given.find((key) => key !== '') : undefined
  return {
    callUuid: parseCallUuid(uuidText),
    key,
    text: { query: mask(query.rest, key), body: mask(read.rest, key) },
    bodyRefusal: read.refusal,
    isPrefetch: isPrefetch(headers),
  }
}

function queryOf(target: string): string {
  const start = target.indexOf('?')
  return start === -1 ? '' : target.slice(start + 1)
}

function keysOfHeaders(headers: IncomingHttpHeaders): readonly string[] {
  const [, bearer = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? []
  const header = headers['x-call-key']
  return [bearer, ...(typeof header === 'string' ? [header] : (header ?? []))]
}

/** A key may have been repeated under another name; no key is kept, and no trigger is found in one. */
const mask = (text: string, key: string | undefined): string =>
  key !== undefined && key.length >= KEY_LENGTH_MIN ? text.replaceAll(key, '') : text

/** Shorter ones are not keys, and leaving them out would garble what is kept of a refused request. */
const KEY_LENGTH_MIN = 16

function readBody(headers: IncomingHttpHeaders, body: Buffer): ReadBody {
  if (headers['content-encoding'] !== undefined) return refuse('unsupported_media_type')
  const text = new TextDecoder().decode(body)
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';', 1)
  switch (mediaType.trim().toLowerCase()) {
    case 'application/x-www-form-urlencoded':
      // PostgreSQL keeps no NUL in a text.
      if (text.includes('\0')) return refuse('body_not_text')
      return takeKeys(text)
    case 'application/json':
      return text.trim() === '' ? NO_BODY : readJson(text)
    default:
      return refuse('unsupported_media_type')
  }
}

function readJson(text: string): ReadBody {
  const json = readFlatJson(text)
  switch (json.kind) {
    case 'query':
      return takeKeys(json.query)
    case 'not_flat':
      return refuse('body_not_flat', json.keys)
    case 'malformed':
      return refuse('malformed_json')
  }
}

const refuse = (refusal: BodyRefusal, keys: readonly string[] = []): ReadBody => ({
  rest: '',
  keys,
  refusal,
})

/** Browsers and proxies that fetch ahead say so. @see behaviour B4 */
function isPrefetch(headers: IncomingHttpHeaders): boolean {
  return ['purpose', 'sec-purpose'].some((name) =>
    /\bprefetch\b/i.test(String(headers[name] ?? '')),
  )
}
