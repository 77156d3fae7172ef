import { describe, expect, it } from 'vitest'
import type { FoundNumber } from '../../src/domain/configuration-snapshot.ts'
import { admit, type AdmissionRules } from '../../src/sip/admission.ts'
import { trunkFinder } from '../../src/sip/trunk.ts'
import { anInvite, aTrunk, type Invite } from './support/invite.ts'

const found = { number: { number: '+18005550100' } } as FoundNumber
const findNumber = (e164: string) => (e164 === '+18005550100' ? found : undefined)

const rules: AdmissionRules = {
  isDraining: false,
  findTrunk: trunkFinder([]),
  checkCredentials: () => ({ kind: 'challenged', headers: { 'WWW-Authenticate': 'Digest' } }),
  isOwnCall: () => false,
  findNumber,
}

describe('admit', () => {
  it('admits a call on a tracking number, with one hop less', () => {
    expect(admit(anInvite({ headers: { 'Max-Forwards': '70' } }), rules)).toEqual({
      kind: 'admitted',
      found,
      trunk: undefined,
      caller: { number: '+12125550100', asserted: undefined },
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
    [
      'a Require of which we know a part',
      { headers: { Require: 'replaces, gin' } },
      420,
      'bad_extension',
    ],
    [
      'to take over a call (RFC 3891)',
      { headers: { Require: 'replaces', Replaces: 'a@b;from-tag=1;to-tag=2' } },
      481,
      'no_such_dialog',
    ],
    [
      'a Replaces with more parameters',
      { headers: { Replaces: 'a@b ; to-tag=1; early-only ;from-tag=2' } },
      481,
      'no_such_dialog',
    ],
    ...['a@b', 'a@b;to-tag=1', 'a@b;from-tag=1', ';to-tag=1;from-tag=2', ''].map(
      (replaces): [string, Invite, number, string] => [
        `a Replaces of "${replaces}"`,
        { headers: { Replaces: replaces } },
        400,
        'malformed_replaces',
      ],
    ),
    [
      'two dialogs to be replaced',
      { headers: { Replaces: 'a;to-tag=1;from-tag=2,b;to-tag=1;from-tag=2' } },
      400,
      'malformed_replaces',
    ],
    [
      'a call that goes round in circles (RFC 5806)',
      {
        headers: { Diversion: '<sip:+18005550155@a>, "x" <tel:+1-800-555-0155>;reason=deflection' },
      },
      482,
      'diversion_loop',
    ],
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

  it('names in Unsupported what it does not know, and nothing else', () => {
    const invite = anInvite({ headers: { Require: 'replaces, gin' } })
    expect(admit(invite, rules)).toMatchObject({ headers: { Unsupported: 'gin' } })
    expect(admit(anInvite({ headers: { Require: 'replaces' } }), rules)).toMatchObject({
      kind: 'admitted',
    })
  })

  it('refuses new calls while draining', () => {
    expect(admit(anInvite(), { ...rules, isDraining: true })).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '10' },
    })
  })

  it('takes calls from the addresses of trunks alone once there are trunks', () => {
    const trunk = aTrunk()
    const findTrunk = trunkFinder([trunk])
    const from = (source_address: string, uri?: string) =>
      admit(anInvite({ source_address, ...(uri && { uri }) }), { ...rules, findTrunk })
    expect(from('203.0.113.9', 'sip:8005550100@h')).toMatchObject({ trunk })
    expect(from('2001:db8::5')).toMatchObject({ trunk })
    expect(from('127.0.0.1')).toMatchObject({ status: 403 })
  })

  it('asks for credentials only where a trunk with a password takes calls from', () => {
    const digest = { username: 'u', password: 'p' }
    const findTrunk = trunkFinder([aTrunk({ digest }), aTrunk({ allow: ['198.51.100.7'] })])
    const from = (source_address: string, checkCredentials = rules.checkCredentials) =>
      admit(anInvite({ source_address }), { ...rules, findTrunk, checkCredentials })
    expect(from('203.0.113.9')).toMatchObject({ status: 401, reason: 'challenged' })
    expect(from('198.51.100.7')).toMatchObject({ kind: 'admitted' })
    expect(from('192.0.2.1')).toMatchObject({ status: 403, reason: 'unknown_source' })
    const trunk = aTrunk({ digest })
    expect(from('203.0.113.9', () => ({ kind: 'proved', trunk }))).toMatchObject({ trunk })
    expect(from('203.0.113.9', () => ({ kind: 'banned' }))).toMatchObject({ status: 403 })
  })

  it('refuses a call that we sent out ourselves', () => {
    const refusal = admit(anInvite(), { ...rules, isOwnCall: () => true })
    expect(refusal).toMatchObject({ status: 482, reason: 'loop' })
  })
})
