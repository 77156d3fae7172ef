import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Trunk } from '../domain/campaign.ts'
import { createBoundedMap } from '../domain/bounded-map.ts'
import { algorithmOf, type DigestParameters, digestResponse, parseDigests } from './digest.ts'
import type { Headers, SipRequest } from './srf.ts'

export type Proof =
  | { readonly kind: 'proved'; readonly trunk: Trunk }
  | { readonly kind: 'challenged'; readonly headers: Headers }
  /** Too many wrong credentials from there: nothing is computed for it any more for a while. */
  | { readonly kind: 'banned' }

/** Lets in who knows a trunk's password. Asks nothing but memory. */
export interface DigestGate {
  readonly check: (request: SipRequest, trunks: readonly Trunk[]) => Proof
}

export interface DigestGateOptions {
  /** The same in every process, so that any of them can take the answer to a challenge. */
  readonly secret: string
  /** Milliseconds since the epoch: the age of nonces has to mean the same in every process. */
  readonly now: () => number
}

const REALM = 'bridgeback'
const NONCE_MS_MAX = 60_000
const NONCES_REMEMBERED = 50_000
const FAILURES_MAX = 10
const FAILURES_MS = 300_000
const SOURCES_REMEMBERED = 10_000

/** Credentials, and how far they can be trusted; those with a stale nonce may be right or wrong. */
type Reading = 'right' | 'stale' | 'wrong'

/**
 * Digest authentication of INVITEs by SHA-256 and MD5. A nonce holds its time and is a MAC over it and the
 * source address, so nothing is stored until it was used; then its count may only rise. Without a nonce of ours
 * no credentials are looked at, nor counted against the address. An unknown user name is answered like a wrong
 * password, after as much work. @see RFC 7616, RFC 8760
 */
export function createDigestGate({ secret, now }: DigestGateOptions): DigestGate {
  const counts = createBoundedMap<number>(NONCES_REMEMBERED)
  const failures = createBoundedMap<{ count: number; sinceMs: number }>(SOURCES_REMEMBERED)
  const macOf = (time: string, address: string) =>
    createHmac('sha256', secret).update(`${time} ${address}`).digest('hex').slice(0, 32)

  const isFresh = (nonce: string, address: string) => {
    const [time = '', mac = ''] = nonce.split('.', 2)
    const isOurs = isEqual(mac, macOf(time, address))
    const ageMs = now() - Number.parseInt(time, 36)
    return isOurs && ageMs >= 0 && ageMs <= NONCE_MS_MAX
  }
  const read = (
    request: SipRequest,
    trunk: Trunk | undefined,
    given: DigestParameters,
  ): Reading => {
    const nonce = given.get('nonce') ?? ''
    // First: whoever wrote a false address has never heard our nonce, and must not speak for who is there.
    if (!isFresh(nonce, request.source_address)) return 'stale'
    if (!isRight(request, trunk, given)) return 'wrong'
    const count = Number.parseInt(given.get('nc') ?? '', 16)
    const isNext = count > (counts.get(nonce) ?? 0)
    if (!isNext) return 'stale'
    counts.set(nonce, count)
    return 'right'
  }
  const challenge = (request: SipRequest, isStale: boolean): Proof => {
    const time = now().toString(36)
    const nonce = `${time}.${macOf(time, request.source_address)}`
    return { kind: 'challenged', headers: challengeHeaders(nonce, isStale) }
  }
  const isBanned = (address: string) => {
    const failed = failures.get(address)
    if (!failed || now() - failed.sinceMs > FAILURES_MS) return false
    return failed.count >= FAILURES_MAX
  }
  const countFailure = (address: string) => {
    const failed = failures.get(address)
    const isOld = !failed || now() - failed.sinceMs > FAILURES_MS
    failures.set(address, {
      count: isOld ? 1 : failed.count + 1,
      sinceMs: isOld ? now() : failed.sinceMs,
    })
  }

  return {
    check(request, trunks) {
      const address = request.source_address
      if (isBanned(address)) return { kind: 'banned' }
      const [given] = parseDigests(request.get('Authorization') ?? '')
      if (!given) return challenge(request, false)
      const trunk = findTrunk(request, trunks, given)
      const reading = read(request, trunk, given)
      if (reading === 'right' && trunk) return { kind: 'proved', trunk }
      if (reading === 'wrong') countFailure(address)
      return challenge(request, reading === 'stale')
    },
  }
}

/** The trunk with this user name; of several the one with this password, else any. */
function findTrunk(
  request: SipRequest,
  trunks: readonly Trunk[],
  given: DigestParameters,
): Trunk | undefined {
  const named = trunks.filter(({ digest }) => digest?.username === given.get('username'))
  const [first, ...others] = named
  if (others.length === 0) return first
  return named.find((trunk) => isRight(request, trunk, given)) ?? first
}

/** Nobody knows this one, so that an unknown user takes the same way as a wrong password. */
const NOBODYS_PASSWORD = randomBytes(16).toString('hex')

function isRight(request: SipRequest, trunk: Trunk | undefined, given: DigestParameters): boolean {
  const algorithm = algorithmOf(given) ?? 'MD5'
  const expected = digestResponse(
    {
      algorithm,
      username: given.get('username') ?? '',
      realm: REALM,
      nonce: given.get('nonce') ?? '',
      method: request.method,
      uri: given.get('uri') ?? '',
      qop: { nc: given.get('nc') ?? '', cnonce: given.get('cnonce') ?? '' },
    },
    trunk?.digest?.password ?? NOBODYS_PASSWORD,
  )
  const isAsAsked = given.get('realm') === REALM && given.get('qop') === 'auth'
  const isKnown = algorithmOf(given) !== undefined
  return (
    isEqual(given.get('response') ?? '', expected) && trunk !== undefined && isAsAsked && isKnown
  )
}

/** Compares in constant time, whatever the lengths. */
function isEqual(given: string, expected: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(given), hash(expected))
}

/** One header line for each algorithm: challenges may not share a line. @see RFC 3261 §7.3.1 */
function challengeHeaders(nonce: string, isStale: boolean): Headers {
  const lines = ['SHA-256', 'MD5'].map(
    (algorithm) =>
      `Digest realm="${REALM}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"` +
      (isStale ? ', stale=true' : ''),
  )
  // The client knows one value for each name; a second line has to be written into the first.
  return { 'WWW-Authenticate': lines.join('\r\nWWW-Authenticate: ') }
}
