import { expect, it } from 'vitest'
import { isAddress, parseSipUri, schemeOf } from '../../../../src/sip/engine/message/uri.ts'

it.each([
  { uri: 'sip:a@b', expected: { scheme: 'sip', user: 'a', host: 'b', port: undefined } },
  { uri: 'SIPS:b:5061', expected: { scheme: 'sips', user: undefined, host: 'b', port: 5061 } },
  { uri: 'sip:[::1]:5070;lr', expected: { host: '::1', port: 5070, parameters: ';lr' } },
  {
    uri: 'sip:user;par=u%40example.net@example.com;transport=tcp',
    expected: {
      user: 'user;par=u%40example.net',
      host: 'example.com',
      parameters: ';transport=tcp',
    },
  },
  { uri: 'sip:a@b?Route=x', expected: { host: 'b', hasHeaders: true } },
  { uri: 'sip:+1-555(0)@gw_1.example', expected: { user: '+1-555(0)', host: 'gw_1.example' } },
])('reads $uri', ({ expected, uri }) => {
  expect(parseSipUri(uri)).toMatchObject(expected)
})

it.each([
  'tel:+1555',
  'sip:',
  'sip:a@',
  'sip:a@b:0',
  'sip:a@b:99999',
  'sip:a@b:5o60',
  'sip:a@[::1',
  'sip:a@[nonsense]',
  'sip:a b@c',
  'sip:a@<b>',
  'sip:a@b!',
  'sip:a@caf\xe9',
  'sip',
])('refuses %j', (uri) => {
  expect(parseSipUri(uri)).toBeUndefined()
})

it.each([
  { uri: 'SIP:x', expected: 'sip' },
  { uri: 'soap.beep://x', expected: 'soap.beep' },
  { uri: '<sip:x>', expected: undefined },
  { uri: ':x', expected: undefined },
])('finds the scheme of $uri', ({ expected, uri }) => {
  expect(schemeOf(uri)).toBe(expected)
})

it.each([
  { host: '192.0.2.1', expected: true },
  { host: '::1', expected: true },
  { host: 'a.example', expected: false },
  { host: '1.2.3', expected: false },
])('says whether $host is an address', ({ expected, host }) => {
  expect(isAddress(host)).toBe(expected)
})
