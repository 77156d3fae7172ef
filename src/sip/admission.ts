import type { FoundNumber } from '../domain/configuration-snapshot.ts'
import { callerNumber, dialledNumber } from './caller-id.ts'
import { nextMaxForwards } from './headers.ts'
import type { Headers, SipRequest } from './srf.ts'
import type { TrunkFinder } from './trunk.ts'

export interface AdmissionRules {
  readonly isDraining: boolean
  readonly findTrunk: TrunkFinder
  readonly findNumber: (e164: string) => FoundNumber | undefined
}

export type Admission =
  | {
      readonly kind: 'admitted'
      readonly found: FoundNumber
      readonly trunkId: string | undefined
      readonly callerNumber: string | undefined
      /** For the buyer's INVITE. */
      readonly maxForwards: number
    }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly reason: string
      readonly headers?: Headers
    }

/**
 * Frames of more than about 12 kB wedge the connection to drachtio-server, and the buyer's INVITE is the
 * caller's body with headers of ours: what is larger is refused before anything is built from it.
 */
const BODY_BYTES_MAX = 8_000
const HEADER_BYTES_MAX = 6_000

/** Asks everything that has to be right before there is a call; the first wrong answer refuses it. */
export function admit(request: SipRequest, rules: AdmissionRules): Admission {
  if (rules.isDraining) return refused(503, 'draining', { 'Retry-After': '10' })
  const source = rules.findTrunk(request.source_address)
  if (source.kind === 'stranger') return refused(403, 'unknown_source')
  const malformed = checkForm(request)
  if (malformed) return malformed
  const maxForwards = nextMaxForwards(request)
  if (maxForwards === undefined) return refused(483, 'too_many_hops')
  const trunk = source.kind === 'trunk' ? source.trunk : undefined
  const country = trunk?.numbers.country
  const dialled = dialledNumber(request, country)
  const found = dialled === undefined ? undefined : rules.findNumber(dialled)
  if (!found) return refused(404, 'unknown_number')
  return {
    kind: 'admitted',
    found,
    trunkId: trunk?.trunkId,
    callerNumber: callerNumber(request, country),
    maxForwards,
  }
}

/** What drachtio-server lets through although no dialog can be built on it. @see RFC 3261 §8.2 */
function checkForm(request: SipRequest): Admission | undefined {
  const body = request.body ?? ''
  const bodyBytes = Buffer.byteLength(body)
  if (bodyBytes > BODY_BYTES_MAX) return refused(513, 'body_too_large')
  if (Buffer.byteLength(request.raw) - bodyBytes > HEADER_BYTES_MAX) {
    return refused(513, 'headers_too_large')
  }
  if (!/^(?:sips?|tel):/i.test(request.uri)) return refused(416, 'unsupported_uri_scheme')
  const required = request.get('Require')
  if (required !== undefined) return refused(420, 'bad_extension', { Unsupported: required })
  if (!/;\s*tag=[^;\s]/i.test(request.get('From') ?? '')) return refused(400, 'from_without_tag')
  if (!/sips?:[^@>;]*@?[^@>;\s]+/i.test(request.get('Contact') ?? '')) {
    return refused(400, 'no_sip_contact')
  }
  const type = request.get('Content-Type')
  if (body !== '' && !/^application\/sdp\b/i.test(type ?? '')) {
    return refused(415, 'unsupported_body', { Accept: 'application/sdp' })
  }
  return undefined
}

function refused(status: number, reason: string, headers?: Headers): Admission {
  return { kind: 'refused', status, reason, ...(headers && { headers }) }
}
