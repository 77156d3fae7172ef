import { describe, expect, it } from 'vitest'
import {
  ourVia,
  parseVia,
  responsePort,
  stampVia,
  type Via,
} from '../../../../src/sip/engine/message/via.ts'

const read = (value: string): Via => {
  const via = parseVia(value)
  if (!via) throw new Error(`cannot read ${value}`)
  return via
}

describe('parseVia', () => {
  it.each([
    {
      value: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
      expected: { transport: 'udp', host: '192.0.2.1', port: undefined, branch: 'z9hG4bK1' },
    },
    {
      value: 'SIP/2.0/TCP [2001:db8::1]:5070;rport;branch=b',
      expected: { transport: 'tcp', host: '2001:db8::1', port: 5070, branch: 'b', rport: '' },
    },
    {
      value:
        'SIP  / 2.0\t/ UDP first.example.com: 4000;ttl=16 ;BRANCH = z9hG4bK9 ;received=1.2.3.4',
      expected: { host: 'first.example.com', port: 4000, branch: 'z9hG4bK9', received: '1.2.3.4' },
    },
    {
      value: 'SIP/2.0/UDP a;branch=x, SIP/2.0/UDP b;branch=y',
      expected: { host: 'a', branch: 'x' },
    },
    { value: 'SIP/2.0/UDP a', expected: { host: 'a', branch: '' } },
    { value: 'SIP/7.0/UDP a;branch=x', expected: { transport: 'udp', host: 'a', branch: 'x' } },
  ])('reads $value', ({ expected, value }) => {
    expect(parseVia(value)).toMatchObject(expected)
  })

  it.each([
    '',
    ';;,;',
    'SIP/2.0',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ;branch=x',
    'SIP/3/UDP a;branch=x',
    'HTTP/2.0/UDP a',
    'SIP/2.0/UDP a:99999',
    'SIP/2.0/UDP a b;branch=x',
    'SIP/2.0/UDP [::1;branch=x',
  ])('refuses %j', (value) => {
    expect(parseVia(value)).toBeUndefined()
  })
})

describe('stampVia (RFC 3261 §18.2.1, RFC 3581 §4)', () => {
  const from = { address: '192.0.2.1', port: 4000 }
  it.each([
    { value: 'SIP/2.0/UDP 192.0.2.1;branch=b', expected: 'SIP/2.0/UDP 192.0.2.1;branch=b' },
    {
      value: 'SIP/2.0/UDP host.example;branch=b',
      expected: 'SIP/2.0/UDP host.example;branch=b;received=192.0.2.1',
    },
    {
      value: 'SIP/2.0/UDP 10.0.0.1;rport;branch=b',
      expected: 'SIP/2.0/UDP 10.0.0.1;branch=b;received=192.0.2.1;rport=4000',
    },
    {
      value: 'SIP/2.0/UDP 192.0.2.1;branch=b;received=6.6.6.6',
      expected: 'SIP/2.0/UDP 192.0.2.1;branch=b',
    },
    {
      value: 'SIP/2.0/UDP 10.0.0.1;rport;branch=b, SIP/2.0/UDP far;rport',
      expected:
        'SIP/2.0/UDP 10.0.0.1;branch=b;received=192.0.2.1;rport=4000, SIP/2.0/UDP far;rport',
    },
  ])('stamps $value', ({ expected, value }) => {
    expect(stampVia(value, read(value), from)).toBe(expected)
  })
})

it.each([
  { value: 'SIP/2.0/UDP a:6000;branch=b', port: 6000 },
  { value: 'SIP/2.0/UDP a;branch=b', port: 5060 },
  { value: 'SIP/2.0/TLS a;branch=b', port: 5061 },
  { value: 'SIP/2.0/UDP a:6000;rport;branch=b', port: 4000 },
])('answers $value to port $port (RFC 3261 §18.2.2)', ({ port, value }) => {
  expect(responsePort(read(value), 4000)).toBe(port)
})

it('writes its own Via', () => {
  expect(ourVia('udp', { host: '::1', port: 5060 }, 'z9hG4bKx')).toBe(
    'SIP/2.0/UDP [::1]:5060;rport;branch=z9hG4bKx',
  )
})
