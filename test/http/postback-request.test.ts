import { describe, expect, it } from 'vitest'
import { type RawPostback, readPostback } from '../../src/http/postback-request.ts'

const UUID = '01890a5d-ac96-774b-bcce-b302099a8057'
const KEY = '0101f00dfeedf00dfeedf00dfeedf00dfeedf00dfeed'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

interface Sent {
  readonly query?: string
  readonly headers?: RawPostback['headers']
  readonly body?: string | Buffer
}

const read = ({ query, headers = {}, body }: Sent) =>
  readPostback({
    uuidText: UUID,
    target: `/calls/${UUID}/set_value${query === undefined ? '' : `?${query}`}`,
    headers,
    body: body === undefined ? undefined : Buffer.from(body),
  })

describe('readPostback', () => {
  it.each<[string, Sent]>([
    ['the query', { query: `key=${KEY}` }],
    ['the query, among others', { query: `a=1&key=${KEY}&b=2` }],
    ['the query, percent-encoded', { query: `%6bey=%30${KEY.slice(1)}` }],
    ['the query, in capitals', { query: `KEY=${KEY}` }],
    ['X-Call-Key', { headers: { 'x-call-key': KEY } }],
    ['Authorization', { headers: { authorization: `Bearer ${KEY}` } }],
    ['a form', { headers: FORM, body: `revenue=1&key=${KEY}` }],
    ['JSON', { headers: JSON_TYPE, body: `{"key":"${KEY}"}` }],
    ['JSON that is not flat', { headers: JSON_TYPE, body: `{"key":"${KEY}","a":{}}` }],
    ['two places that agree', { query: `key=${KEY}`, headers: { 'x-call-key': KEY } }],
    ['a header beside an empty parameter', { query: 'key=', headers: { 'x-call-key': KEY } }],
  ])('finds the key in %s (B7)', (_name, sent) => {
    expect(read(sent).key).toBe(KEY)
  })

  it.each<[string, Sent]>([
    ['there is none', {}],
    ['it is empty', { query: 'key=' }],
    ['it has no value', { query: 'key' }],
    ['its name is longer', { query: `xkey=${KEY}&keys=${KEY}` }],
    ['two in the query differ', { query: `key=${KEY}&key=x` }],
    ['query and header differ', { query: `key=${KEY}`, headers: { 'x-call-key': 'x' } }],
    ['query and body differ', { query: `key=${KEY}`, headers: FORM, body: 'key=x' }],
    ['JSON gives two', { headers: JSON_TYPE, body: `{"key":"${KEY}","key":"x"}` }],
    ['the scheme is not Bearer', { headers: { authorization: `Basic ${KEY}` } }],
  ])('finds no key where %s', (_name, sent) => {
    expect(read(sent).key).toBeUndefined()
  })

  it.each([
    [`key=${KEY}&sale=true`, 'key=&sale=true'],
    [`a=1&a=2&a[]=3&__proto__=x`, 'a=1&a=2&a[]=3&__proto__=x'],
    ['b=%E0%A4%A&c=%zz', 'b=%E0%A4%A&c=%zz'],
    ['a=1;b=2', 'a=1;b=2'],
    ['a=1?b=2', 'a=1?b=2'],
    [`k%65y=${KEY}`, 'k%65y='],
    [`key=${KEY}&sub=x${KEY}y`, 'key=&sub=xy'],
  ])('keeps the query %s as it was sent, without the key (B6)', (query, kept) => {
    expect(read({ query }).text).toEqual({ query: kept, body: '' })
  })

  it.each<[string, Sent, string]>([
    ['a form as sent', { headers: FORM, body: 'revenue=10.00&a=%20+' }, 'revenue=10.00&a=%20+'],
    ['a form without its key', { headers: FORM, body: `key=${KEY}&a=1` }, 'key=&a=1'],
    ['JSON as pairs', { headers: JSON_TYPE, body: '{"revenue":10.00}' }, 'revenue=10.00'],
    ['JSON behind a byte order mark', { headers: JSON_TYPE, body: '\ufeff{"a":1}' }, 'a=1'],
    ['JSON without its key', { headers: JSON_TYPE, body: `{"key":"${KEY}","a":1}` }, 'key=&a=1'],
    ['no body', { headers: JSON_TYPE, body: '' }, ''],
    ['a blank body', { headers: JSON_TYPE, body: ' \n' }, ''],
    ['nothing whatever its type', { headers: { 'content-type': 'text/plain' }, body: '' }, ''],
  ])('keeps %s', (_name, sent, kept) => {
    const { text, bodyRefusal } = read(sent)
    expect({ body: text.body, bodyRefusal }).toEqual({ body: kept, bodyRefusal: undefined })
  })

  it.each<[string, Sent]>([
    ['unsupported_media_type', { headers: { 'content-type': 'text/plain' }, body: 'a=1' }],
    ['unsupported_media_type', { headers: { 'content-type': 'multipart/form-data' }, body: 'a' }],
    ['unsupported_media_type', { body: 'a=1' }],
    ['unsupported_media_type', { headers: { ...FORM, 'content-encoding': 'gzip' }, body: 'a=1' }],
    ['body_not_flat', { headers: JSON_TYPE, body: '{"revenue":{"value":1}}' }],
    ['body_not_flat', { headers: JSON_TYPE, body: '["revenue"]' }],
    ['malformed_json', { headers: JSON_TYPE, body: '{"revenue":' }],
    ['body_not_text', { headers: FORM, body: 'a=\0' }],
  ])('refuses a body as %s and keeps none of it', (bodyRefusal, sent) => {
    expect(read(sent)).toMatchObject({ bodyRefusal, text: { body: '' } })
  })

  it('takes a form whose other values are not UTF-8', () => {
    const body = Buffer.from('revenue=10.00&name=Jos\xe9', 'latin1')
    expect(read({ headers: FORM, body }).text.body).toBe('revenue=10.00&name=Jos\ufffd')
  })

  it.each([
    [{ purpose: 'prefetch' }, true],
    [{ 'sec-purpose': 'prefetch;prerender' }, true],
    [{ 'sec-purpose': 'Prefetch; anonymous-client-ip' }, true],
    [{ purpose: 'preview' }, false],
    [{ 'user-agent': 'prefetch' }, false],
    [{}, false],
  ])('sees in %o whether it is a prefetch (B4)', (headers, expected) => {
    expect(read({ headers }).isPrefetch).toBe(expected)
  })

  it('gives no UUID where the path has none', () => {
    const raw = { uuidText: 'x', target: '/', headers: {}, body: undefined }
    expect(readPostback(raw).callUuid).toBeUndefined()
  })
})
