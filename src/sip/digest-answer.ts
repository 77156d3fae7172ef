import { randomBytes } from 'node:crypto'
import {
  algorithmOf,
  type DigestParameters,
  digestResponse,
  parseDigests,
  quoted,
} from './digest.ts'
import type { Headers, ReceivedResponse } from './srf.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** The request that was challenged. */
export interface Challenged {
  readonly method: string
  readonly uri: string
}

const CONTROL = /\p{Cc}/u

/**
 * The credentials that answer a challenge, the strongest algorithm first; undefined where none can be
 * answered. @see RFC 8760 §2.4
 */
export function answerChallenge(
  response: Pick<ReceivedResponse, 'status' | 'get'>,
  request: Challenged,
  credentials: Credentials,
): Headers | undefined {
  const isProxy = response.status === 407
  const text = response.get(isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate') ?? ''
  const challenges = parseDigests(text).filter(isAnswerable)
  const strongest = challenges.find((each) => algorithmOf(each) === 'SHA-256') ?? challenges[0]
  if (!strongest) return undefined
  const value = authorization(strongest, request, credentials)
  return { [isProxy ? 'Proxy-Authorization' : 'Authorization']: value }
}

/** Whether the peer refused only the age of our nonce. @see RFC 7616 §3.3 */
export function isStale(response: Pick<ReceivedResponse, 'status' | 'get'>): boolean {
  const name = response.status === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate'
  const challenges = parseDigests(response.get(name) ?? '')
  return challenges.some((each) => each.get('stale')?.toLowerCase() === 'true')
}

function isAnswerable(challenge: DigestParameters): boolean {
  const qop = challenge.get('qop')
  const isAuth = qop === undefined || qop.split(',').some((each) => each.trim() === 'auth')
  const isSafe = [...challenge.values()].every((value) => !CONTROL.test(value))
  return algorithmOf(challenge) !== undefined && challenge.has('nonce') && isAuth && isSafe
}

function authorization(
  challenge: DigestParameters,
  { method, uri }: Challenged,
  { username, password }: Credentials,
): string {
  const algorithm = algorithmOf(challenge) ?? 'MD5'
  const realm = challenge.get('realm') ?? ''
  const nonce = challenge.get('nonce') ?? ''
  const opaque = challenge.get('opaque')
  const qop = challenge.has('qop')
    ? { nc: '00000001', cnonce: randomBytes(8).toString('hex') }
    : undefined
  const input = { algorithm, username, realm, nonce, method, uri, qop }
  return [
    `Digest username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    `response="${digestResponse(input, password)}"`,
    `algorithm=${algorithm}`,
    ...(qop ? [`qop=auth, nc=${qop.nc}, cnonce="${qop.cnonce}"`] : []),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
  ].join(', ')
}
