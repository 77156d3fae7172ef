import { describe, expect, it } from 'vitest'
import { type PassingFacts, passedHeaders } from '../../src/sip/passed-headers.ts'
import { aBuyer } from '../support/flow.ts'
import { header, startService } from './support/service.ts'

const IDENTITY =
  'eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjF9.c2lnbmF0dXJl;info=<https://cert.example/a,b.pem>;alg=ES256;ppt=shaken'
const DATE = 'Mon, 23 Nov 2026 17:00:00 GMT'
const SIGNED = {
  From: '<sip:+12125550100@carrier>;tag=a',
  To: '<sip:+18005550100@us>',
  Date: DATE,
  Identity: IDENTITY,
}
/** Who is reached at the number that was dialled. */
const SAME_NUMBER = { passHeaders: ['Identity'], requestUri: 'sip:+18005550100@buyer.example' }

function pass(
  headers: Readonly<Record<string, string>>,
  buyer: Partial<PassingFacts['buyer']>,
  number: string | null = '+12125550100',
) {
  return passedHeaders({
    request: { get: (name) => headers[name] },
    writing: { country: undefined, prefix: '' },
    caller: { number: number ?? undefined },
    buyer: { ...aBuyer(), ...buyer },
  })
}

const NOTHING = { headers: {}, leftOut: [] }

describe('the headers of a caller', () => {
  it('stay behind unless the buyer wants them', () => {
    const headers = { Diversion: '<sip:+18005550155@a>', 'X-Lead': '7', ...SIGNED }
    expect(pass(headers, { requestUri: SAME_NUMBER.requestUri })).toEqual(NOTHING)
  })

  it('are passed on as the buyer names them, normalised where there is a form for it', () => {
    const headers = { Diversion: '<sip:+18005550155@a>;x=y', 'X-Lead': '7', Subject: 'Roof' }
    const passHeaders = ['diversion', 'X-Lead', 'Subject', 'User-to-User']
    expect(pass(headers, { passHeaders })).toEqual({
      headers: { Diversion: '<tel:+18005550155>', 'X-Lead': '7', Subject: 'Roof' },
      leftOut: [],
    })
  })

  it.each([
    ['that would break the line', 'a\r\nX-Evil: 1'],
    ['of more than 256 characters', 'v'.repeat(257)],
  ])('are left out with a value %s', (_, value) => {
    expect(pass({ 'X-Lead': value }, { passHeaders: ['X-Lead'] })).toEqual({
      headers: {},
      leftOut: ['X-Lead'],
    })
  })

  it('are left out once there are 3,000 characters of them', () => {
    const names = Array.from({ length: 13 }, (_, index) => `X-Lead-${index}`)
    const headers = Object.fromEntries(names.map((name) => [name, 'v'.repeat(240)]))
    expect(pass(headers, { passHeaders: names }).leftOut).toEqual(['X-Lead-12'])
  })
})

describe('an Identity (RFC 8224)', () => {
  it('goes on with its Date where To and From are what they were', () => {
    expect(pass(SIGNED, SAME_NUMBER)).toEqual({
      headers: { Identity: IDENTITY, Date: DATE },
      leftOut: [],
    })
    const compact = { ...SIGNED, y: IDENTITY, Identity: '' }
    expect(
      pass({ From: SIGNED.From, To: SIGNED.To, Date: DATE, y: IDENTITY }, SAME_NUMBER),
    ).toEqual(pass(SIGNED, SAME_NUMBER))
    expect(pass(compact, SAME_NUMBER)).toEqual(NOTHING)
  })

  it.each<[string, Readonly<Record<string, string>>, Partial<PassingFacts['buyer']>]>([
    ['a buyer at another number', {}, { requestUri: 'sip:+18005550111@buyer.example' }],
    ['a buyer at no number', {}, { requestUri: 'sip:sales@buyer.example' }],
    ['another number in To', { To: '<sip:+18005550199@us>' }, {}],
    ['a caller who is known by another number', { From: '<sip:+13105550100@carrier>' }, {}],
    ['no Date', { Date: '' }, {}],
    ['a Date that is none', { Date: 'today' }, {}],
    ['two of them', { Identity: `${IDENTITY},${IDENTITY}` }, {}],
    ['something else', { Identity: 'x' }, {}],
    [
      'a buyer who wants national numbers',
      {},
      { numbers: { format: 'national', country: 'US', prefix: '', isMarked: false } },
    ],
  ])('stays behind with %s', (_, headers, buyer) => {
    expect(pass({ ...SIGNED, ...headers }, { ...SAME_NUMBER, ...buyer })).toEqual(NOTHING)
  })

  it('stays behind where the caller is withheld', () => {
    expect(pass(SIGNED, SAME_NUMBER, null)).toEqual(NOTHING)
  })
})

it('the buyer gets what it wants of the caller, and nothing else', async () => {
  const service = await startService({ buyer: { passHeaders: ['Diversion', 'X-Lead'] } })
  service.dial({
    headers: [
      'Diversion: <sip:+18005550155@10.0.0.1>;reason=unconditional',
      'diversion: "x" <sip:+18005550156@10.0.0.1>',
      'X-Lead: 7',
      'X-Other: 8',
      'History-Info: <sip:+18005550157@10.0.0.1>;index=1',
    ],
  })
  const invite = await service.buyers[0]?.expect('INVITE')
  if (!invite) throw new Error('no INVITE')
  expect(header(invite, 'Diversion')).toContain('<tel:+18005550155>;reason=unconditional')
  expect(header(invite, 'X-Lead')).toBe('7')
  expect(header(invite, 'X-Other')).toBeUndefined()
  expect(header(invite, 'History-Info')).toBeUndefined()
  expect(JSON.stringify(invite.headers)).not.toContain('10.0.0.1')
})
