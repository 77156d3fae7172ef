import { expect, it } from 'vitest'
import { createStreamReader } from '../../../../src/sip/engine/transport/stream-reader.ts'

const FIRST = 'OPTIONS sip:a SIP/2.0\r\nl: 4\r\n\r\nbody'
const SECOND = 'SIP/2.0 200 OK\r\nContent-Length : 0\r\n\r\n'

it('gives the same messages wherever the stream is split (RFC 3261 §18.3)', () => {
  const stream = `${FIRST}\r\n${SECOND}`
  for (let at = 0; at <= stream.length; at++) {
    const reader = createStreamReader()
    const messages = [stream.slice(0, at), stream.slice(at)].flatMap(
      (part) => reader.push(part)?.messages ?? ['no SIP'],
    )
    expect(messages).toEqual([FIRST, SECOND])
  }
})

it.each([
  { name: 'folded', line: 'Content-Length:\r\n  4' },
  { name: 'folded before the colon', line: 'Content-Length\r\n\t: 4' },
  { name: 'said twice', line: 'Content-Length: 4\r\nl: 4' },
  { name: 'with zeros', line: 'Content-Length: 0004' },
  { name: 'beside a line that cannot be read', line: 'Content-Length: 4\r\n: what' },
])('cuts where a Content-Length says that is $name', ({ line }) => {
  const message = `OPTIONS sip:a SIP/2.0\r\n${line}\r\nX: 1\r\n\r\nbody`
  expect(createStreamReader().push(message + SECOND)?.messages).toEqual([message, SECOND])
})

it.each([
  { name: 'of ten digits', line: 'Content-Length: 0000000004' },
  { name: 'with a sign', line: 'Content-Length: +4' },
  { name: 'that is negative', line: 'Content-Length: -4' },
  { name: 'that is empty', line: 'Content-Length:' },
  { name: 'said twice and differently', line: 'Content-Length: 4\r\nl: 0' },
  { name: 'behind a bare LF', line: 'X: 1\nContent-Length: 4' },
  { name: 'behind a bare CR', line: 'X: 1\rContent-Length: 4' },
])('gives the head with a Content-Length $name to be refused, and nothing after it', ({ line }) => {
  const head = `OPTIONS sip:a SIP/2.0\r\n${line}\r\n\r\n`
  const reader = createStreamReader()
  expect(reader.push(`${SECOND}${head}${SECOND}`)?.messages).toEqual([SECOND, head])
  expect(reader.push(FIRST)).toBeUndefined()
})

it('notices keep-alives (RFC 5626 §4.4.1)', () => {
  const reader = createStreamReader()
  expect(reader.push('\r\n\r\n')).toEqual({ messages: [], isPinged: true, isPartial: false })
  expect(reader.push('\r\n')).toEqual({ messages: [], isPinged: false, isPartial: false })
})

it('gives the messages before what is no SIP, and then no more', () => {
  const reader = createStreamReader()
  expect(reader.push(`${FIRST}GET / HTTP/1.1\r\n`)?.messages).toEqual([FIRST])
  expect(reader.push(FIRST)).toBeUndefined()
})

it('takes every method that is a token', () => {
  const message = "!odd-Method.%`*_+'~ sip:a SIP/2.0\r\nl: 0\r\n\r\n"
  expect(createStreamReader().push(message)?.messages).toEqual([message])
})

it('says when a message has begun', () => {
  const reader = createStreamReader()
  expect(reader.push('OPTIONS sip:a')).toMatchObject({ isPartial: true })
  expect(reader.push(FIRST.slice('OPTIONS sip:a'.length))).toMatchObject({ isPartial: false })
})

it.each([
  { name: 'HTTP', bytes: 'GET / HTTP/1.1\r\n' },
  { name: 'lower case', bytes: 'get / http/1.1\r\n' },
  { name: 'TLS', bytes: '\x16\x03\x01\x02\x00\x01' },
  { name: 'a header of more than 16 kB', bytes: `OPTIONS ${'x'.repeat(17_000)}` },
  { name: 'a body of more than 64 kB', bytes: 'OPTIONS sip:a SIP/2.0\r\nl: 70000\r\n\r\n' },
])('refuses $name', ({ bytes }) => {
  expect(createStreamReader().push(bytes)).toBeUndefined()
})
