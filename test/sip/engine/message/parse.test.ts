import { describe, expect, it } from 'vitest'
import { parseCSeq, parseMessage } from '../../../../src/sip/engine/message/parse.ts'

const BASE = [
  'OPTIONS sip:bob@b.example SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1',
  'From: "Alice" <sip:alice@a.example>;tag=a',
  'To: <sip:bob@b.example>',
  'Call-ID: c1@a',
  'CSeq: 1 OPTIONS',
]

const text = (lines: readonly string[], body = ''): string => `${lines.join('\r\n')}\r\n\r\n${body}`
const without = (name: string): string[] => BASE.filter((line) => !line.startsWith(name))
const instead = (name: string, line: string): string[] =>
  BASE.map((old) => (old.startsWith(name) ? line : old))

it('reads a request', () => {
  expect(parseMessage(text(BASE, 'body'), false)).toMatchObject({
    kind: 'request',
    method: 'OPTIONS',
    uri: 'sip:bob@b.example',
    fromTag: 'a',
    toTag: undefined,
    sipCallId: 'c1@a',
    cseq: 1,
    body: 'body',
    via: { transport: 'udp', host: '192.0.2.1', port: 5060, branch: 'z9hG4bK1' },
  })
})

it('hands the text of an ordinary message on as it is', () => {
  const original = text([...BASE, 'X-Odd:    spaces   kept inside '])
  const message = parseMessage(original, false)
  expect(message.kind === 'request' && message.text).toBe(original)
})

it('joins folded lines, writes compact names out and closes gaps before colons', () => {
  const message = parseMessage(
    text([...without('Call-ID'), 'i: c2', 'Subject : one', 's: two\r\n  and\r\n\tthree']),
    false,
  )
  expect(message.kind === 'request' && message.text).toBe(
    text([...without('Call-ID'), 'Call-ID: c2', 'Subject: one', 'Subject: two and three']),
  )
})

it('takes a control character that a backslash goes before (RFC 4475 §3.1.1.2)', () => {
  const quoted = instead('To', 'To: "BEL:\\\x07 NUL:\\\0 DEL:\\\x7f" <sip:bob@b.example>')
  expect(parseMessage(text(quoted), false)).toMatchObject({ kind: 'request' })
})

it('skips empty lines before a message (RFC 3261 §7.5)', () => {
  expect(parseMessage(`\r\n\r\n${text(BASE)}`, false)).toMatchObject({ kind: 'request' })
})

it('cuts the body to Content-Length and ignores what follows', () => {
  const message = parseMessage(text([...BASE, 'Content-Length: 4'], 'bodyINVITE again'), false)
  expect(message.kind === 'request' && message.body).toBe('body')
})

it('demands a Content-Length on streams only (RFC 3261 §18.3)', () => {
  expect(parseMessage(text(BASE), true)).toMatchObject({
    kind: 'unusable',
    reason: 'Bad Content-Length Header',
  })
})

describe('refuses', () => {
  it.each([
    { name: 'no blank line', raw: BASE.join('\r\n'), reason: 'Missing Blank Line' },
    { name: 'no Via', raw: text(without('Via')), reason: 'Bad Via Header' },
    { name: 'no From', raw: text(without('From')), reason: 'Bad From Header' },
    { name: 'no To', raw: text(without('To')), reason: 'Bad To Header' },
    { name: 'no Call-ID', raw: text(without('Call-ID')), reason: 'Bad Call-ID Header' },
    { name: 'no CSeq', raw: text(without('CSeq')), reason: 'Bad CSeq Header' },
    { name: 'two To', raw: text([...BASE, 'To: <sip:x@y>']), reason: 'Repeated Header' },
    { name: 'two Call-IDs', raw: text([...BASE, 'i: other']), reason: 'Repeated Header' },
    {
      name: 'Content-Lengths that disagree',
      raw: text([...BASE, 'l: 1', 'Content-Length: 2'], 'ab'),
      reason: 'Repeated Header',
    },
    {
      name: 'a Content-Length beyond the end',
      raw: text([...BASE, 'Content-Length: 5'], 'body'),
      reason: 'Bad Content-Length Header',
    },
    {
      name: 'a negative Content-Length',
      raw: text([...BASE, 'Content-Length: -1']),
      reason: 'Bad Content-Length Header',
    },
    {
      name: 'a quotation that does not end',
      raw: text(instead('To', 'To: "Mr. User <sip:u@example.com>')),
      reason: 'Bad To Header',
    },
    {
      name: 'a display name that is neither tokens nor quoted',
      raw: text(instead('From', 'From: Bell, Alexander <sip:a@b.example>;tag=4')),
      reason: 'Bad From Header',
    },
    {
      name: 'a method that the CSeq does not name',
      raw: text(instead('CSeq', 'CSeq: 1 INVITE')),
      reason: 'CSeq Method Mismatch',
    },
    {
      name: 'a CSeq of 2^31',
      raw: text(instead('CSeq', 'CSeq: 2147483648 OPTIONS')),
      reason: 'Bad CSeq Header',
    },
    {
      name: 'a Call-ID that would break the control protocol',
      raw: text(instead('Call-ID', 'Call-ID: a|b')),
      reason: 'Bad Call-ID Header',
    },
    {
      name: 'a tag that would break the control protocol',
      raw: text(instead('From', 'From: <sip:a@b>;tag=x|y')),
      reason: 'Bad From Header',
    },
    {
      name: 'a line feed that smuggles a header',
      raw: text([...BASE, 'X-A: 1\nX-B: 2']),
      reason: 'Control Character In Header',
    },
    {
      name: 'a carriage return that smuggles a header',
      raw: text([...BASE, 'X-A: 1\rX-B: 2']),
      reason: 'Control Character In Header',
    },
    {
      name: 'a line feed behind a backslash',
      raw: text(instead('To', 'To: "a\\\nb" <sip:bob@b.example>')),
      reason: 'Control Character In Header',
    },
    { name: 'a NUL', raw: text([...BASE, 'X-A: \0']), reason: 'Control Character In Header' },
    {
      name: 'a line without colon',
      raw: text([...BASE, 'nonsense']),
      reason: 'Malformed Header Line',
    },
    {
      name: 'a line whose name is no token',
      raw: text([...BASE, '<sip:x@y>: z']),
      reason: 'Malformed Header Line',
    },
    { name: 'a line without name', raw: text([...BASE, ': x']), reason: 'Malformed Header Line' },
    {
      name: 'a name with a blank inside',
      raw: text([...BASE, 'X A: x']),
      reason: 'Malformed Header Line',
    },
    {
      name: 'a line of more than 4 kB',
      raw: text([...BASE, `X-A: ${'x'.repeat(4_096)}`]),
      reason: 'Header Line Too Long',
    },
    {
      name: 'more than 128 header lines',
      raw: text([...BASE, ...Array.from({ length: 128 }, () => 'X-A: x')]),
      reason: 'Too Many Header Lines',
    },
    {
      name: 'more than 16 kB of headers',
      raw: text([...BASE, ...Array.from({ length: 20 }, () => `X-A: ${'x'.repeat(900)}`)]),
      reason: 'Header Too Long',
    },
  ])('$name', ({ raw, reason }) => {
    expect(parseMessage(raw, false)).toMatchObject({ kind: 'unusable', reason })
  })
})

describe('answers what it cannot read', () => {
  it.each([
    { name: 'a request with 400', raw: text(without('To')), status: 400 },
    {
      name: 'another version with 505',
      raw: text(instead('OPTIONS', 'OPTIONS sip:bob@b.example SIP/3.0')),
      status: 505,
    },
    { name: 'nothing without a Via', raw: text(without('Via')), status: undefined },
    { name: 'no ACK', raw: text(instead('OPTIONS', 'ACK sip:b SIP/2.0')), status: undefined },
    { name: 'no response', raw: text(instead('OPTIONS', 'SIP/2.0 999 Big')), status: undefined },
  ])('$name', ({ raw, status }) => {
    const message = parseMessage(raw, false)
    expect(message.kind === 'unusable' && message.status).toBe(status)
  })
})

it.each([
  { line: 'SIP/2.0 200 OK', status: 200, reason: 'OK' },
  { line: 'SIP/2.0 100 ', status: 100, reason: '' },
  { line: 'SIP/2.0 200', status: 200, reason: '' },
  { line: 'SIP/2.0 200 = 2**3 * 5**2 \xc3\xa9', status: 200, reason: '= 2**3 * 5**2 \xc3\xa9' },
])('reads the status line $line', ({ line, reason, status }) => {
  const message = parseMessage(text(instead('OPTIONS', line)), false)
  expect(message).toMatchObject({ kind: 'response', status, reason })
})

it.each([
  { value: '1 INVITE', expected: { number: 1, method: 'INVITE' } },
  { value: '0009\t INVITE', expected: { number: 9, method: 'INVITE' } },
  { value: '2147483647 INVITE', expected: { number: 2_147_483_647, method: 'INVITE' } },
  { value: '36893488147419103232 REGISTER', expected: undefined },
  { value: 'x INVITE', expected: undefined },
  { value: '1', expected: undefined },
  { value: '1 IN VITE', expected: undefined },
])('reads CSeq $value', ({ expected, value }) => {
  expect(parseCSeq(value)).toEqual(expected)
})
