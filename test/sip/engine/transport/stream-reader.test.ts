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
