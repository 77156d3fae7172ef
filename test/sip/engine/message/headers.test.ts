import { expect, it } from 'vitest'
import { listElements, parameter, wireName } from '../../../../src/sip/engine/message/headers.ts'

it('splits lists at commas outside quotes and brackets', () => {
  const values = ['<sip:a,b@c>;x="1,2" , sip:d', '', '"q\\",\\"" <sip:e>,,<sip:f>']
  expect(listElements(values)).toEqual([
    '<sip:a,b@c>;x="1,2"',
    'sip:d',
    '"q\\",\\"" <sip:e>',
    '<sip:f>',
  ])
})

it.each([
  { list: ';lr;tag=x', name: 'tag', expected: 'x' },
  { list: ';lr;tag=x', name: 'lr', expected: '' },
  { list: ';lr;tag=x', name: 'ta', expected: undefined },
  { list: '; TAG\t=  x ;y', name: 'tag', expected: 'x' },
  { list: ';a="tag=1;tag=2";tag=3', name: 'tag', expected: '3' },
  { list: '', name: 'tag', expected: undefined },
  { list: ';', name: 'tag', expected: undefined },
  { list: ';;;=;tag=1', name: 'tag', expected: '1' },
])('finds $name in $list', ({ expected, list, name }) => {
  expect(parameter(list, name)).toBe(expected)
})

it.each([
  { name: 'call-id', expected: 'Call-ID' },
  { name: 'www-authenticate', expected: 'WWW-Authenticate' },
  { name: 'p-asserted-identity', expected: 'P-Asserted-Identity' },
  { name: 'X-ph-MiXed', expected: 'X-ph-MiXed' },
  { name: 'session-expires', expected: 'Session-Expires' },
])('spells $name as $expected', ({ expected, name }) => {
  expect(wireName(name)).toBe(expected)
})
