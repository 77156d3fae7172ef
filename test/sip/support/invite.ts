import { EventEmitter } from 'node:events'
import type { Trunk } from '../../../src/domain/campaign.ts'
import type { SipRequest } from '../../../src/sip/srf.ts'

const HEADERS = {
  From: '<sip:+12125550100@carrier>;tag=a',
  Contact: '<sip:carrier@127.0.0.1:5070>',
  'Content-Type': 'application/sdp',
}

/** What an INVITE of a test says differently. */
export interface Invite {
  readonly uri?: string
  readonly body?: string
  readonly headers?: Record<string, string | undefined>
  readonly source_address?: string
}

/** An INVITE as the client hands it over. */
export function anInvite({ headers, ...overrides }: Invite = {}): SipRequest {
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

const NO_LIMITS = { callsPerSecondMax: undefined, concurrentMax: undefined }

/** A trunk that lets in whoever comes from 203.0.113.0/24 or 2001:db8::/32. */
export function aTrunk(overrides: Partial<Trunk> = {}): Trunk {
  return {
    trunkId: 'carrier-a',
    allow: ['203.0.113.0/24', '2001:db8::/32'],
    digest: undefined,
    gateway: undefined,
    numbers: { country: 'US', dialled: 'request_uri', prefix: '' },
    isTrusted: true,
    callsPerSecondMax: undefined,
    concurrentMax: undefined,
    perCaller: NO_LIMITS,
    perNumber: NO_LIMITS,
    ...overrides,
  }
}
