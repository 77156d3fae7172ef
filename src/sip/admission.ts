import type { Trunk } from '../domain/campaign.ts'
import type { FoundNumber } from '../domain/configuration-snapshot.ts'
import { type Caller, dialledNumber, PLAIN_WRITING, readCaller } from './caller-id.ts'
import type { DigestGate } from './digest-gate.ts'
import { isDiversionLoop } from './diversion.ts'
import { nextMaxForwards } from './headers.ts'
import type { Headers, SipRequest } from './srf.ts'
import type { TrunkFinder } from './trunk.ts'

export interface AdmissionRules {
  readonly isDraining: boolean
  readonly findTrunk: TrunkFinder
  readonly checkCredentials: DigestGate['check']
  /** Whether we sent this call out ourselves, and it has come back. */
  readonly isOwnCall: (request: SipRequest) => boolean
  readonly findNumber: (e164: string) => FoundNumber | undefined
}

export type Admission =
  | {
      readonly kind: 'admitted'
      readonly found: FoundNumber
      readonly trunk: Trunk | undefined
      readonly caller: Caller
      /** For the buyer's INVITE. */
      readonly maxForwards: number
    }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly reason: string
      readonly headers?: Headers
      /** Whether the sender is known: only then it is worth remembering what it was told. */
      readonly isKnown: boolean
    }

type Refused = Extract<Admission, { readonly kind: 'refused' }>

/**
 * Frames of more than about 12 kB wedge the connection to drachtio-server, and the buyer's INVITE is the
 * caller's body with headers of ours: what is larger is refused before anything is built from it.
 */
const BODY_BYTES_MAX = 8_000
const HEADER_BYTES_MAX = 6_000

/** Asks everything that has to be right before there is a call; the first wrong answer refuses it. */
export function admit(request: SipRequest, rules: AdmissionRules): Admission {
  if (rules.isDraining) return refused(503, 'draining', { 'Retry-After': '10' })
  const source = identify(request, rules)
  if (source.kind === 'refused') return source
  const known = (refusal: Refused): Refused => ({ ...refusal, isKnown: true })
  const malformed = checkForm(request)
  if (malformed) return known(malformed)
  if (request.has('Replaces')) return known(refuseReplacing(request.get('Replaces') ?? ''))
  if (rules.isOwnCall(request)) return known(refused(482, 'loop'))
  const maxForwards = nextMaxForwards(request)
  if (maxForwards === undefined) return known(refused(483, 'too_many_hops'))
  const { trunk } = source
  const writing = trunk ?? PLAIN_WRITING
  if (isDiversionLoop(request, writing.numbers)) return known(refused(482, 'diversion_loop'))
  const dialled = dialledNumber(request, writing)
  const found = dialled === undefined ? undefined : rules.findNumber(dialled)
  if (!found) return known(refused(404, 'unknown_number'))
  return { kind: 'admitted', found, trunk, caller: readCaller(request, writing), maxForwards }
}

type Identified = { readonly kind: 'identified'; readonly trunk: Trunk | undefined } | Refused

/** By its source address, and its credentials where a trunk asks for them; nothing else counts. */
function identify(request: SipRequest, rules: AdmissionRules): Identified {
  const source = rules.findTrunk(request.source_address)
  switch (source.kind) {
    case 'loopback':
      return { kind: 'identified', trunk: undefined }
    case 'trunk':
      return { kind: 'identified', trunk: source.trunk }
    case 'stranger':
      return refused(403, 'unknown_source')
    case 'to_be_proved':
      return prove(request, source.trunks, rules)
  }
}

function prove(
  request: SipRequest,
  trunks: readonly Trunk[],
  { checkCredentials }: AdmissionRules,
): Identified {
  const proof = checkCredentials(request, trunks)
  switch (proof.kind) {
    case 'proved':
      return { kind: 'identified', trunk: proof.trunk }
    case 'challenged':
      return refused(401, 'challenged', proof.headers)
    case 'banned':
      return refused(403, 'too_many_wrong_credentials')
  }
}

/** What drachtio-server lets through although no dialog can be built on it. @see RFC 3261 §8.2 */
function checkForm(request: SipRequest): Refused | undefined {
  const body = request.body ?? ''
  const bodyBytes = Buffer.byteLength(body)
  if (bodyBytes > BODY_BYTES_MAX) return refused(513, 'body_too_large')
  if (Buffer.byteLength(request.raw) - bodyBytes > HEADER_BYTES_MAX) {
    return refused(513, 'headers_too_large')
  }
  if (!/^(?:sips?|tel):/i.test(request.uri)) return refused(416, 'unsupported_uri_scheme')
  const unsupported = unsupportedExtensions(request.get('Require') ?? '')
  if (unsupported !== '') return refused(420, 'bad_extension', { Unsupported: unsupported })
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

/** The extensions that have to be understood and are not; empty where there are none. @see RFC 3261 §8.2.2.3 */
function unsupportedExtensions(required: string): string {
  const tags = required.split(',').map((tag) => tag.trim())
  return tags.filter((tag) => tag !== '' && tag.toLowerCase() !== 'replaces').join(', ')
}

/** One Call-ID with both tags, in any order among other parameters. */
const REPLACES =
  /^[^\s;,]+(?=\s*;)(?=[^,]*;\s*to-tag\s*=\s*[^\s;,])(?=[^,]*;\s*from-tag\s*=\s*[^\s;,])[^,]*$/i

/**
 * Nobody can be put in somebody else's place in a call: one that is up is answered like one that is not.
 * @see RFC 3891 §3, which would have the new caller take over a call that is found
 */
function refuseReplacing(replaces: string): Refused {
  return REPLACES.test(replaces.trim())
    ? refused(481, 'no_such_dialog')
    : refused(400, 'malformed_replaces')
}

function refused(status: number, reason: string, headers?: Headers): Refused {
  return { kind: 'refused', status, reason, isKnown: false, ...(headers && { headers }) }
}
