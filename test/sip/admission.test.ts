import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { Trunk } from '../../src/domain/campaign.ts'
import type { FoundNumber } from '../../src/domain/configuration-snapshot.ts'
import { admit } from '../../src/sip/admission.ts'
import type { SipRequest } from '../../src/sip/srf.ts'
import { trunkFinder } from '../../src/sip/trunk.ts'

const found = { number: { number: '+18005550100' } } as FoundNumber
const findNumber = (e164: string) => (e164 === '+18005550100' ? found : undefined)

const HEADERS = {
  From: '<sip:+12125550100@carrier>;tag=a',
  Contact: '<sip:carrier@127.0.0.1:5070>',
  'Content-Type': 'application/sdp',
}

interface Invite {
  readonly uri?: string
  readonly body?: string
  readonly headers?: Record<string, string | undefined>
  readonly source_address?: string
}

function anInvite({ headers, ...overrides }: Invite = {}): SipRequest {
  const all: Record<string, string | undefined> = { ...HEADERS, ...headers }
  const body = overrides.body ?? 'v=0'
  const raw =
    Object.entries(all)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\r\n') + body
  return Object.assign(new EventEmitter(), {
    method: 'INVITE',
    uri: 'sip:+18005550100@127.0.0.1',
    source_address: '127.0.0.1',
    source_port: 5070,
    protocol: 'udp',
    body,
    raw,
    get: (name: string) => all[name],
    has: (name: string) => all[name] !== undefined,
    getParsedHeader: () => ({}),
    ...overrides,
  })
}

const rules = { isDraining: false, findTrunk: trunkFinder([]), findNumber }

describe('admit', () => {
  it('admits a call on a tracking number, with one hop less', () => {
    expect(admit(anInvite({ headers: { 'Max-Forwards': '70' } }), rules)).toEqual({
      kind: 'admitted',
      found,
      trunkId: undefined,
      callerNumber: '+12125550100',
      maxForwards: 69,
    })
  })

  it.each<[string, Invite, number, string]>([
    ['an unknown number', { uri: 'sip:+18005550199@h' }, 404, 'unknown_number'],
    ['no number', { uri: 'sip:127.0.0.1' }, 404, 'unknown_number'],
    ['a URI of another kind', { uri: 'http://x/' }, 416, 'unsupported_uri_scheme'],
    ['a From without tag', { headers: { From: '<sip:a@b>' } }, 400, 'from_without_tag'],
    ['no Contact', { headers: { Contact: undefined } }, 400, 'no_sip_contact'],
    ['a Contact of *', { headers: { Contact: '*' } }, 400, 'no_sip_contact'],
    ['a tel Contact', { headers: { Contact: '<tel:+1555>' } }, 400, 'no_sip_contact'],
    ['a Require that we do not know', { headers: { Require: '100rel' } }, 420, 'bad_extension'],
    ['no hop left', { headers: { 'Max-Forwards': '0' } }, 483, 'too_many_hops'],
    [
      'a body that is no SDP',
      { headers: { 'Content-Type': 'text/plain' } },
      415,
      'unsupported_body',
    ],
    ['a body of more than 8 kB', { body: 'v'.repeat(8_001) }, 513, 'body_too_large'],
    [
      'headers of more than 6 kB',
      { headers: { 'X-Long': 'v'.repeat(6_000) } },
      513,
      'headers_too_large',
    ],
    ['a stranger', { source_address: '198.51.100.1' }, 403, 'unknown_source'],
  ])('refuses %s', (_, invite, status, reason) => {
    expect(admit(anInvite(invite), rules)).toMatchObject({ kind: 'refused', status, reason })
  })

  it('refuses new calls while draining', () => {
    expect(admit(anInvite(), { ...rules, isDraining: true })).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '10' },
    })
  })

  it('takes calls from the addresses of trunks alone once there are trunks', () => {
    const trunk: Trunk = {
      trunkId: 'carrier-a',
      allow: ['203.0.113.0/24', '2001:db8::/32'],
      gateway: undefined,
      numbers: { format: 'e164', country: 'US' },
    }
    const findTrunk = trunkFinder([trunk])
    const from = (source_address: string, uri?: string) =>
      admit(anInvite({ source_address, ...(uri && { uri }) }), { ...rules, findTrunk })
    expect(from('203.0.113.9', 'sip:8005550100@h')).toMatchObject({ trunkId: 'carrier-a' })
    expect(from('2001:db8::5')).toMatchObject({ trunkId: 'carrier-a' })
    expect(from('127.0.0.1')).toMatchObject({ status: 403 })
  })
})
