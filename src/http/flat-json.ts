import assert from 'node:assert/strict'

/** A JSON body as pairs, or why it has none. `keys` are the values of top-level members named `key`. */
export type FlatJson =
  | { readonly kind: 'query'; readonly query: string }
  | { readonly kind: 'not_flat'; readonly keys: readonly string[] }
  | { readonly kind: 'malformed' }

const STRING = String.raw`"(?:[^"\\]|\\.)*"`
const MEMBER = new RegExp(
  String.raw`[\s{,]*(${STRING})\s*:\s*(${STRING}|true|false|null|-?\d[\d.eE+-]*)\s*[,}]`,
  'y',
)

/**
 * Writes the top-level members of a JSON object as a query: strings percent-encoded, numbers exactly
 * as they stand in the text (`10.00` stays `10.00`), `null` left out, a name that is given twice
 * twice. Anything nested is not flat.
 */
export function readFlatJson(text: string): FlatJson {
  const value = parseJson(text)
  if (value === undefined) return { kind: 'malformed' }
  if (!isObject(value.json)) return { kind: 'not_flat', keys: [] }
  const members = Object.values(value.json)
  if (members.some((member) => typeof member === 'object' && member !== null)) {
    return { kind: 'not_flat', keys: keysOf(value.json) }
  }
  const pairs = readMembers(text.trim())
  return pairs ? { kind: 'query', query: pairs.join('&') } : { kind: 'not_flat', keys: [] }
}

/** Undefined where a value is nested after all: one that a later member of the same name replaced. */
function readMembers(text: string): readonly string[] | undefined {
  const pairs: string[] = []
  MEMBER.lastIndex = 0
  if (/^\{\s*\}$/.test(text)) return pairs
  while (MEMBER.lastIndex < text.length) {
    const [, name, value] = MEMBER.exec(text) ?? []
    if (name === undefined || value === undefined) return undefined
    if (value !== 'null') pairs.push(`${encode(name)}=${encode(value)}`)
  }
  return pairs
}

function encode(token: string): string {
  if (!token.startsWith('"')) return token
  const text: unknown = JSON.parse(token)
  assert(typeof text === 'string', 'a token in quotes is a string')
  return encodeURIComponent(text.toWellFormed())
}

function parseJson(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function keysOf(json: object): readonly string[] {
  return Object.entries(json).flatMap(([name, value]: [string, unknown]) =>
    name.toLowerCase() === 'key' && typeof value === 'string' ? [value] : [],
  )
}
