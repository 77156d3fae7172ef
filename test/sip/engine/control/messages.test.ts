import { expect, it } from 'vitest'
import {
  deliveryPayload,
  parseApplicationMessage,
  requestSentPayload,
  responseSentPayload,
  timeOfDay,
} from '../../../../src/sip/engine/control/messages.ts'

const hop = { transport: 'udp', address: '192.0.2.1', port: 5060 } as const

it.each([
  { payload: 'i|authenticate|s|a,b', expected: { type: 'authenticate', id: 'i', secret: 's' } },
  { payload: 'i|route|INVITE', expected: { type: 'route', id: 'i', verb: 'invite' } },
  { payload: 'i|remove_route|bye', expected: { type: 'remove_route', id: 'i', verb: 'bye' } },
  { payload: 'i|ping', expected: { type: 'ping', id: 'i' } },
  { payload: 'i|proxy|t||\r\nINVITE', expected: { type: 'proxy', id: 'i' } },
  { payload: 'i|nonsense', expected: { type: 'unknown', id: 'i' } },
  { payload: '', expected: { type: 'unknown', id: '' } },
  {
    payload: 'i|sip||d;from-tag=t|sip:1.2.3.4\r\nBYE',
    expected: {
      type: 'sip',
      id: 'i',
      txn: '',
      dialogId: 'd;from-tag=t',
      proxy: 'sip:1.2.3.4',
      text: 'BYE',
    },
  },
])('reads $payload', ({ expected, payload }) => {
  expect(parseApplicationMessage(payload)).toEqual(expected)
})

const tokensOf = (payload: string): string[] => (payload.split('\r\n')[0] ?? '').split('|')

it('hands a new request over with 13 tokens, the local address among them', () => {
  const receivedOn = { host: '127.0.0.1', port: 5070 }
  const parts = { source: 'network', hop, txn: 't', dialogId: '', text: 'INVITE' } as const
  const tokens = tokensOf(deliveryPayload({ ...parts, receivedOn }))
  expect(tokens).toHaveLength(13)
  expect(tokens.slice(1, 7)).toEqual(['sip', 'network', '6', 'udp', '192.0.2.1', '5060'])
  expect(tokens.slice(8)).toEqual(['t', '', '127.0.0.1', '5070', ''])
})

it('hands anything else over with 11 tokens', () => {
  const parts = { source: 'network', hop, txn: 't', dialogId: 'd', text: 'BYE' } as const
  expect(tokensOf(deliveryPayload(parts)).slice(8)).toEqual(['t', 'd', ''])
})

it('puts the transaction of a sent request where clients look for it', () => {
  expect(tokensOf(requestSentPayload('i', hop, 't', 'BYE')).slice(3)[7]).toBe('t')
})

it('puts transaction and dialog of a sent response where clients look for them', () => {
  const tokens = tokensOf(responseSentPayload('i', hop, { txn: 't', dialogId: 'd', text: 'x' }))
  expect([tokens[10], tokens[11], tokens[12]]).toEqual(['t', 'd', ''])
})

it('writes the time of day with six digits of a second', () => {
  expect(timeOfDay(Date.UTC(2026, 2, 1, 23, 5, 9, 42))).toBe('23:05:09.042000')
})
