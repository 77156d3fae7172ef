import { describe, expect, it } from 'vitest'
import { judge, type Seen } from '../../sip-scenarios/judge.ts'
import type { Scenario } from '../../sip-scenarios/scenario.ts'

const UUID = '01a208ec-a3cb-7136-861d-ad31ac3e11e8'
const KEY = '01011c3a57a9ad04cec459c2710087dfa5a8b86f7a66'

const scenario: Scenario = {
  name: 'sale',
  proves: 'Nothing.',
  caller: 'uac-hangs-up-expect-200',
  buyers: ['uas-busy', 'uas-answers'],
  postbacks: [{ when: 'ended', query: 'revenue=10.00', answer: '200 converted posted_revenue' }],
  expected: {
    call: {
      buyer: 2,
      conversion: 'converted',
      reason: 'posted_revenue',
      hungUpBy: 'caller',
      endReason: 'caller_hung_up',
      sipStatus: 200,
      revenue: '10.00',
      payout: '8.00',
      legs: ['486 busy', '200'],
      ledger: ['settlement converted 10.00 8.00'],
    },
    requests: [
      'HEAD /bridged?from=caller',
      'GET /selected?buyer=2',
      'GET /converted?payout=8.00&late=false',
    ],
  },
}

const call = {
  uuid: UUID,
  state: 'ended',
  conversion: 'converted',
  reason: 'posted_revenue',
  buyer_id: 'scenario-1-sale-2',
  hung_up_by: 'caller',
  end_reason: 'caller_hung_up',
  sip_status: 200,
  revenue: '10.00',
  payout: '8.00',
  legs: [
    { buyer_id: 'scenario-1-sale-1', sip_status: 486, reason: 'busy' },
    { buyer_id: 'scenario-1-sale-2', sip_status: 200, reason: null },
  ],
}
const settlement = {
  kind: 'settlement',
  conversion: 'converted',
  revenue: '10.00',
  payout: '8.00',
}
const delivered = { trigger: 'converted', state: 'delivered' }
const seenCall = { call, settlements: [settlement], deliveries: [delivered] }

const request = (method: string, path: string) => ({
  method,
  url: new URL(path, 'http://receiver'),
})
const ping = request('HEAD', `/bridged?call=${UUID}&key=${KEY}&from=%2B12125551000`)
const selected = request('GET', `/selected?call=${UUID}&buyer=scenario-1-sale-2`)
const sale = request('GET', `/converted?call=${UUID}&payout=8.00&late=false`)

const asExpected: Seen = {
  plan: { scenario, campaignId: 'scenario-1-sale', caller: '2125551000' },
  calls: [seenCall],
  invites: [
    { buyer: 1, callUuid: UUID, callKey: 'another' },
    { buyer: 2, callUuid: UUID.replaceAll('-', ''), callKey: KEY },
  ],
  requests: [ping, selected, sale],
  answers: [{ httpStatus: 200, status: 'converted', reason: 'posted_revenue' }],
}

describe('judge', () => {
  it('finds nothing where everything is as expected', () => {
    expect(judge(asExpected)).toEqual([])
  })

  it.each([
    {
      name: 'a call that is missing',
      seen: { calls: [], requests: [], invites: [] },
      expected: 'calls: expected 1, seen 0',
    },
    {
      name: 'a call too many',
      seen: { calls: [seenCall, seenCall] },
      expected: 'calls: expected 1, seen 2',
    },
    {
      name: 'another amount',
      seen: { calls: [{ ...seenCall, call: { ...call, payout: '8.01' } }] },
      expected: `call ${UUID}: expected payout: 8.00, seen payout: 8.01`,
    },
    {
      name: 'a second entry in the ledger',
      seen: { calls: [{ ...seenCall, settlements: [settlement, settlement] }] },
      expected: `call ${UUID}: expected ledger: settlement converted 10.00 8.00, seen ledger: settlement converted 10.00 8.00, settlement converted 10.00 8.00`,
    },
    {
      name: 'a delivery that was not sent',
      seen: { calls: [{ ...seenCall, deliveries: [{ ...delivered, state: 'queued' }] }] },
      expected: `unsent deliveries of call ${UUID}: expected nothing else, seen converted queued`,
    },
    {
      name: 'a request that comes twice',
      seen: { requests: [ping, selected, sale, sale] },
      expected: `requests of call ${UUID}: expected nothing else, seen GET /converted?payout=8.00&late=false`,
    },
    {
      name: 'a request that is missing',
      seen: { requests: [ping, selected] },
      expected: `requests of call ${UUID}: expected GET /converted?payout=8.00&late=false, seen nothing else`,
    },
    {
      name: 'a request of another call',
      seen: { requests: [ping, selected, sale, request('GET', '/start?call=other')] },
      expected: 'request of an unknown call: GET /start',
    },
    {
      name: 'a ping with the key of another leg',
      seen: { requests: [request('HEAD', ping.url.href.replace(KEY, 'another')), selected, sale] },
      expected: `key of the ping of call ${UUID}: not the one in the INVITE of buyer scenario-1-sale-2`,
    },
    {
      name: 'an INVITE with another UUID',
      seen: {
        invites: [...asExpected.invites, { buyer: 2, callUuid: 'f0ed', callKey: 'forged' }],
      },
      expected: 'INVITE with the UUID f0ed: no such call',
    },
    {
      name: 'legs that share a key',
      seen: { invites: asExpected.invites.map((invite) => ({ ...invite, callKey: KEY })) },
      expected: 'keys: expected one a leg (2), seen 1',
    },
    {
      name: 'another answer to a postback',
      seen: { answers: [{ httpStatus: 403, status: 'refused', reason: 'wrong_key' }] },
      expected:
        'postback answers: expected 200 converted posted_revenue, seen 403 refused wrong_key',
    },
  ])('finds $name', ({ seen, expected }) => {
    expect(judge({ ...asExpected, ...seen })).toEqual([expected])
  })

  it('holds each call against what is expected of it, in the order in which they were made', () => {
    const later = { ...seenCall, call: { ...call, uuid: UUID.replace(/^01/, '02') } }
    const expected = { ...scenario.expected, later: { ...scenario.expected, requests: [] } }
    const plan = { ...asExpected.plan, scenario: { ...scenario, calls: 2, expected } }
    expect(judge({ ...asExpected, plan, calls: [later, seenCall] })).toEqual([])
    expect(judge({ ...asExpected, plan, calls: [seenCall, seenCall] })).not.toEqual([])
  })
})
