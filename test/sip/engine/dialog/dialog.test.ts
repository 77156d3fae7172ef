import { describe, expect, it } from 'vitest'
import {
  dialogAsClient,
  dialogAsServer,
  isInOrder,
  routeInDialog,
} from '../../../../src/sip/engine/dialog/dialog.ts'
import type { SipRequest, SipResponse } from '../../../../src/sip/engine/message/message.ts'
import { parseMessage } from '../../../../src/sip/engine/message/parse.ts'

function message(first: string, ...extra: readonly string[]): SipRequest | SipResponse {
  const lines = [
    first,
    'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
    'From: Alice <sip:alice@a.example>;tag=a',
    first.startsWith('SIP') ? 'To: <sip:bob@b.example>;tag=b' : 'To: <sip:bob@b.example>',
    'Call-ID: c1',
    'CSeq: 7 INVITE',
    ...extra,
  ]
  const parsed = parseMessage(`${lines.join('\r\n')}\r\n\r\n`, false)
  if (parsed.kind === 'unusable') throw new Error(parsed.reason)
  return parsed
}

const ROUTES = [
  'Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr>',
  'Contact: <sip:x@192.0.2.9>',
]

it('takes the route set of the caller in order (RFC 3261 §12.1.1)', () => {
  const request = message('INVITE sip:bob@b.example SIP/2.0', ...ROUTES)
  expect(request.kind === 'request' && dialogAsServer(request, 'mine')).toMatchObject({
    id: 'c1;from-tag=a',
    localTag: 'mine',
    remoteTag: 'a',
    localParty: '<sip:bob@b.example>;tag=mine',
    remoteParty: 'Alice <sip:alice@a.example>;tag=a',
    routeSet: ['<sip:p2.example;lr>', '<sip:p1.example;lr>'],
    remoteTarget: 'sip:x@192.0.2.9',
    remoteCSeq: 7,
  })
})

it('takes the route set of the callee reversed (RFC 3261 §12.1.2)', () => {
  const response = message('SIP/2.0 200 OK', ...ROUTES)
  const invite = { id: 'c1;from-tag=a', uri: 'sip:bob@b.example', localParty: 'Alice;tag=a' }
  expect(response.kind === 'response' && dialogAsClient(invite, response)).toMatchObject({
    localTag: 'a',
    remoteTag: 'b',
    routeSet: ['<sip:p1.example;lr>', '<sip:p2.example;lr>'],
    remoteTarget: 'sip:x@192.0.2.9',
    remoteCSeq: undefined,
  })
})

describe('routeInDialog (RFC 3261 §12.2.1.1)', () => {
  const remoteTarget = 'sip:bob@192.0.2.9'
  it.each([
    {
      name: 'goes straight to the target without routes',
      routeSet: [],
      expected: { requestUri: remoteTarget, routes: [], nextHop: remoteTarget },
    },
    {
      name: 'goes to the first loose router, the target staying in the Request-URI',
      routeSet: ['<sip:p1.example;lr>', '<sip:p2.example;lr>'],
      expected: {
        requestUri: remoteTarget,
        routes: ['<sip:p1.example;lr>', '<sip:p2.example;lr>'],
        nextHop: 'sip:p1.example;lr',
      },
    },
    {
      name: 'puts a strict router into the Request-URI and the target last',
      routeSet: ['<sip:p1.example>', '<sip:p2.example;lr>'],
      expected: {
        requestUri: 'sip:p1.example',
        routes: ['<sip:p2.example;lr>', '<sip:bob@192.0.2.9>'],
        nextHop: 'sip:p1.example',
      },
    },
  ])('$name', ({ expected, routeSet }) => {
    expect(routeInDialog({ remoteTarget, routeSet })).toEqual(expected)
  })
})

it.each([
  { remoteCSeq: undefined, cseq: 1, expected: true },
  { remoteCSeq: 5, cseq: 4, expected: false },
  { remoteCSeq: 5, cseq: 5, expected: true },
  { remoteCSeq: 5, cseq: 9, expected: true },
])('takes CSeq $cseq after $remoteCSeq: $expected', ({ remoteCSeq, cseq, expected }) => {
  expect(isInOrder({ remoteCSeq }, cseq)).toBe(expected)
})
