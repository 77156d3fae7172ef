import { describe, expect, it } from 'vitest'
import {
  checkEndpoint,
  checkGateway,
  checkHeaderName,
  checkHeaderValue,
  checkPassedHeaderName,
  normaliseEndpoint,
} from '../../src/domain/configuration-sip.ts'

describe('checkEndpoint', () => {
  it.each([
    'sip:sales@198.51.100.7:5060',
    'sip:198.51.100.7',
    'SIP:buyer.example',
    'sips:sales@buyer.example:5061;transport=tls',
    'sip:+15551230000@buyer.example;user=phone;lr',
    'sip:sales;day=tuesday@buyer.example',
    'sip:a%20b@buyer.example.',
    'sip:[2001:db8::7]:5060;transport=TCP',
    'sip:buyer',
    'tel:+15551230000',
    'tel:+1-555-123-0000',
    'TEL:+1(555)1230000',
  ])('allows %j', (text) => {
    expect(checkEndpoint(text)).toBeUndefined()
  })

  it.each([
    ['', 'is not a SIP URI'],
    ['buyer.example', 'is not a SIP URI'],
    ['http://buyer.example', 'is not a SIP URI'],
    ['<sip:buyer.example>', 'is not a SIP URI'],
    ['sip:', 'is not a SIP URI'],
    ['sip:a@', 'is not a SIP URI'],
    ['sip:a:secret@buyer.example', 'is not a SIP URI'],
    ['sip:buyer.example?Subject=x', 'is not a SIP URI'],
    ['sip:a b@buyer.example', 'is not a SIP URI'],
    ['sip:a"b@buyer.example', 'has a user that SIP does not allow'],
    ['sip:256.1.1.1', 'has no valid host'],
    ['sip:buyer_1.example', 'has no valid host'],
    ['sip:-buyer.example', 'has no valid host'],
    ['sip:[2001:db8::zz]', 'has no valid host'],
    ['sip:buyer.example:0', 'has no valid port'],
    ['sip:buyer.example:65536', 'has no valid port'],
    ['sip:buyer.example;;lr', 'has malformed parameters'],
    ['sip:buyer.example;x=<y>', 'has malformed parameters'],
    ['sip:buyer.example;transport=ws', 'has an unknown transport'],
    [`sip:${'a'.repeat(253)}`, 'is longer than 256 characters'],
    ['tel:5551230000', 'is not a global number'],
    ['tel:+1555', 'is not a global number'],
    ['tel:+15551230000;ext=5', 'is not a global number'],
    ['tel:sales', 'is not a global number'],
  ])('refuses %j: %s', (text, problem) => {
    expect(checkEndpoint(text)).toContain(problem)
  })
})

it('leaves visual separators out of a tel URI, and a SIP URI as it is', () => {
  expect(normaliseEndpoint('TEL:+1-(555)-123.0000')).toBe('tel:+15551230000')
  expect(normaliseEndpoint('sip:+1-555@h')).toBe('sip:+1-555@h')
})

it('allows gateways without user only', () => {
  expect(checkGateway('sip:203.0.113.10:5060;transport=tcp')).toBeUndefined()
  expect(checkGateway('sip:us@203.0.113.10')).toContain('must not name a user')
  expect(checkGateway('tel:+15551230000')).toContain('is not a SIP URI')
})

describe('checkHeaderName (B1)', () => {
  it.each(['X-Campaign', 'User-to-User', 'Diversion', 'x_a.b'])('allows %j', (name) => {
    expect(checkHeaderName(name)).toBeUndefined()
  })

  it.each([
    'Via',
    'CONTACT',
    'call-id',
    'From',
    'P-Asserted-Identity',
    'X-PH-RetreaverUUID',
    'x-ph-anything',
    'v',
    '',
    'X A',
    'X-A:',
    'X-Ä',
    'X-A\r\n',
    `X-${'a'.repeat(63)}`,
  ])('refuses %j', (name) => {
    expect(checkHeaderName(name)).toBeDefined()
  })
})

describe('checkPassedHeaderName', () => {
  it.each(['Diversion', 'history-info', 'Identity', 'User-to-User', 'Subject', 'X-Lead'])(
    'allows %j',
    (name) => {
      expect(checkPassedHeaderName(name)).toBeUndefined()
    },
  )

  it.each(['X-PH-RetreaverKey', 'x-ph-a', 'From', 'Alert-Info', 'Call-Info', 'Date', 'X A', ''])(
    'refuses %j',
    (name) => {
      expect(checkPassedHeaderName(name)).toContain('is not passed on')
    },
  )
})

it('bounds the length of a header value', () => {
  expect(checkHeaderValue('a'.repeat(512))).toBeUndefined()
  expect(checkHeaderValue('a'.repeat(513))).toContain('longer than 512')
})
