/** One header field of a message, unfolded. */
export interface HeaderField {
  /** Long name in lower case, whatever form was received: `call-id` for `i`, `Call-Id`, `CALL-ID`. */
  readonly key: string
  /** The name as it is written on the wire. */
  readonly name: string
  /** The value without the white space around it, one byte a character. */
  readonly value: string
}

/** Compact forms and their long names. @see RFC 3261 §7.3.3 and IANA's registry of header fields */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  n: 'Identity-Info',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
  y: 'Identity',
}

/** Names whose usual spelling is not a capital after each dash. */
const IRREGULAR = [
  'Call-ID',
  'CSeq',
  'MIME-Version',
  'P-DCS-LAES',
  'RAck',
  'RSeq',
  'SIP-ETag',
  'SIP-If-Match',
  'WWW-Authenticate',
]

const COMMON = [
  ...IRREGULAR,
  ...Object.values(COMPACT),
  'Accept',
  'Allow',
  'Authorization',
  'Expires',
  'Max-Forwards',
  'Proxy-Require',
  'Record-Route',
  'Require',
  'Route',
  'Server',
  'Unsupported',
  'User-Agent',
]

const keys = new Map<string, string>()
for (const [compact, name] of Object.entries(COMPACT)) {
  keys.set(compact, name.toLowerCase())
  keys.set(compact.toUpperCase(), name.toLowerCase())
}
for (const name of COMMON) {
  keys.set(name, name.toLowerCase())
  keys.set(name.toLowerCase(), name.toLowerCase())
}

const irregular = new Map(IRREGULAR.map((name) => [name.toLowerCase(), name]))

/** The long lower-case name of a header field. */
function headerKey(name: string): string {
  return keys.get(name) ?? name.toLowerCase()
}

/** The same for a name as received; undefined if it can be none. @see RFC 3261 §25.1 */
export function receivedHeaderKey(name: string): string | undefined {
  return keys.get(name) ?? (isToken(name) ? name.toLowerCase() : undefined)
}

/** The long name for a compact one as received; undefined if the name is not a compact form. */
export function expandCompact(name: string): string | undefined {
  return name.length === 1 ? COMPACT[name.toLowerCase()] : undefined
}

/**
 * How an application's header is spelled on the wire: a capital after each dash, except that
 * extension names (`X-…`) go out exactly as they were given.
 */
export function wireName(name: string): string {
  if (name.startsWith('X-') || name.startsWith('x-')) return name
  const key = headerKey(name)
  const known = irregular.get(key)
  if (known !== undefined) return known
  return key.replace(
    /(^|-)([a-z])/g,
    (_, dash: string, letter: string) => dash + letter.toUpperCase(),
  )
}

/** The first value under `key` (long, lower case); undefined if the header is not there. */
export function headerValue(headers: readonly HeaderField[], key: string): string | undefined {
  for (const header of headers) if (header.key === key) return header.value
  return undefined
}

/** All values under `key`, in order, one for each header line (comma lists are not split). */
export function headerValues(headers: readonly HeaderField[], key: string): readonly string[] {
  const values: string[] = []
  for (const header of headers) if (header.key === key) values.push(header.value)
  return values
}

/**
 * The elements of comma-separated header values, in order, with commas inside quotes and angle
 * brackets left alone. Only for headers whose grammar is a list.
 */
export function listElements(values: readonly string[]): readonly string[] {
  const elements: string[] = []
  for (const value of values) {
    let at = 0
    while (at <= value.length) {
      const end = endOfElement(value, at)
      const element = value.slice(at, end).trim()
      if (element !== '') elements.push(element)
      at = end + 1
    }
  }
  return elements
}

/** Whether there is nothing in a list, or before or after one of its commas, which clients stumble over. */
export function hasEmptyElement(values: readonly string[]): boolean {
  return values.some((value) => {
    if (value === '') return true
    for (let at = 0; value.includes(',') && at <= value.length;) {
      const end = endOfElement(value, at)
      if (value.slice(at, end).trim() === '') return true
      at = end + 1
    }
    return false
  })
}

/** Index of the comma that ends the list element starting at `from`, or the length of the value. */
export function endOfElement(value: string, from: number): number {
  return endBefore(value, from, 0x2c, true)
}

/**
 * The value of one `;name=value` parameter of a list such as `;tag=x;lr`: without its quotes as
 * written, `''` when it has no value, undefined when it is not there. Names compare without case.
 */
export function parameter(list: string, name: string): string | undefined {
  let at = list.indexOf(';')
  while (at !== -1 && at < list.length) {
    const end = endBefore(list, at + 1, 0x3b, false)
    const equals = list.indexOf('=', at + 1)
    const nameEnd = equals === -1 || equals > end ? end : equals
    if (sameName(list, at + 1, nameEnd, name))
      return nameEnd === end ? '' : list.slice(nameEnd + 1, end).trim()
    at = end
  }
  return undefined
}

/** Whether a list such as `;tag=x;;lr` has nothing between two semicolons. */
export function hasEmptyParameter(list: string): boolean {
  if (!/;[ \t]*;/.test(list)) return false // nearly always, and without looking at quotes
  let at = list.indexOf(';')
  while (at < list.length) {
    const end = endBefore(list, at + 1, 0x3b, false)
    if (end < list.length && list.slice(at + 1, end).trim() === '') return true
    at = end
  }
  return false
}

function sameName(list: string, from: number, to: number, name: string): boolean {
  if (to - from < name.length) return false
  if (list.startsWith(name, from) && to - from === name.length) return true
  return list.slice(from, to).trim().toLowerCase() === name
}

/** Index of the next `stop` outside quotes (and, if asked, angle brackets), or the length. */
function endBefore(text: string, from: number, stop: number, brackets: boolean): number {
  let quoted = false
  let bracketed = false
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (quoted) {
      if (code === 0x5c) at++
      else if (code === 0x22) quoted = false
    } else if (code === 0x22) quoted = true
    else if (brackets && code === 0x3c) bracketed = true
    else if (brackets && code === 0x3e) bracketed = false
    else if (code === stop && !bracketed) return at
  }
  return text.length
}

const TOKEN = characterSet("-.!%*_+`'~")
const WORD = characterSet('-.!%*_+`\'~()<>:\\"/[]?{}@')

/** Whether the text is an RFC 3261 token. @see RFC 3261 §25.1 */
export function isToken(text: string): boolean {
  return consistsOf(text, TOKEN)
}

/** Whether the text can be a Call-ID: `word ["@" word]`, of which the one `@` is not checked. */
export function isCallIdText(text: string): boolean {
  return consistsOf(text, WORD)
}

function characterSet(marks: string): readonly boolean[] {
  const alphanumeric = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
  const set = Array.from({ length: 256 }, () => false)
  for (const character of alphanumeric + marks) set[character.charCodeAt(0)] = true
  return set
}

function consistsOf(text: string, set: readonly boolean[]): boolean {
  for (let at = 0; at < text.length; at++) if (set[text.charCodeAt(at)] !== true) return false
  return text !== ''
}
