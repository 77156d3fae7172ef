import type { Sighting } from './endpoint-health.ts'
import type { ReceivedResponse, UacOutcome } from './srf.ts'

/** Who has to act for this not to happen again. One per call; dashboards group by it. */
export type Fault = 'caller' | 'buyer' | 'bridge' | 'unknown'

export interface LegFailure {
  readonly fault: Fault
  readonly reason: string
  /** Final response for the caller when no buyer is left. */
  readonly answer: number
  /** Whether the next buyer is tried. */
  readonly isNextTried: boolean
}

const next = (fault: Fault, reason: string, answer: number): LegFailure => ({
  fault,
  reason,
  answer,
  isNextTried: true,
})
const stop = (fault: Fault, reason: string, answer: number): LegFailure => ({
  fault,
  reason,
  answer,
  isNextTried: false,
})

const BY_STATUS: Readonly<Record<number, LegFailure>> = {
  401: next('buyer', 'credentials_refused', 500),
  403: next('buyer', 'forbidden', 500),
  404: next('buyer', 'no_such_target', 404),
  407: next('buyer', 'credentials_refused', 500),
  408: next('unknown', 'no_response', 480), // Timer B: silence blames nobody
  410: next('buyer', 'no_such_target', 404),
  415: next('buyer', 'no_common_codec', 488),
  480: next('buyer', 'unavailable', 480),
  482: stop('bridge', 'loop', 482),
  483: stop('bridge', 'too_many_hops', 483),
  484: next('buyer', 'no_such_target', 404),
  486: next('buyer', 'busy', 486),
  487: next('unknown', 'terminated', 480), // we did not cancel: somebody between us and the buyer did
  488: next('buyer', 'no_common_codec', 488),
  491: next('buyer', 'request_pending', 480),
  // A relayed 503 would make the carrier stop sending us every call (RFC 3261 §16.7, §21.5.4).
  503: next('buyer', 'overloaded', 480),
  600: next('buyer', 'busy', 486),
  603: next('buyer', 'declined', 480),
  604: next('buyer', 'no_such_target', 404),
  606: next('buyer', 'no_common_codec', 488),
  607: next('buyer', 'declined', 480),
  608: next('buyer', 'declined', 480),
}

/** What a buyer's final response means and what to do about it. @see RFC 3261 §21 */
export function classifyLegFailure(status: number): LegFailure {
  const known = BY_STATUS[status]
  if (known) return known
  if (status >= 600) return next('buyer', `declined_${status}`, 480)
  if (status >= 500) return next('buyer', `server_error_${status}`, 500)
  if (status >= 400) return next('buyer', `rejected_${status}`, 480)
  return next('buyer', `redirected_${status}`, 480) // not followed: a redirect could lead anywhere
}

/** A failed INVITE: what it means for the call, and what it shows of the buyer's host. */
export interface ReadFailure {
  readonly failure: LegFailure
  readonly sighting: Sighting
}

/**
 * Reads why an INVITE failed, telling the SIP server's own responses from the buyer's.
 * @param hasRung whether the buyer's side had shown that it is there
 */
export function readFailure({ status, response }: FailedInvite, hasRung: boolean): ReadFailure {
  if (!response) return { failure: UNREACHABLE, sighting: { kind: 'gone' } }
  if (status === 503 && isOwnResponse(response)) {
    return { failure: UNREACHABLE, sighting: { kind: 'gone' } }
  }
  const failure = classifyLegFailure(status)
  // One that the buyer's gateway sends is about the number behind it: the gateway itself is there.
  if (status === 408 && !hasRung && isOwnResponse(response)) {
    return { failure, sighting: { kind: 'gone' } }
  }
  const forMs = status === 503 ? retryAfterMs(response.get('Retry-After')) : undefined
  return { failure, sighting: forMs ? { kind: 'overloaded', forMs } : { kind: 'alive' } }
}

/**
 * Whether the SIP server made this response itself, because nobody was there: it then comes from nowhere.
 * Measured on drachtio-server 0.9.10, whose 408 and 503 of its own have neither address nor port.
 */
function isOwnResponse(response: Pick<ReceivedResponse, 'source_address'>): boolean {
  return response.source_address === ''
}

type FailedInvite = Extract<UacOutcome, { readonly kind: 'failed' }>

/** @see RFC 3261 §20.33: seconds, maybe with a comment and parameters after them */
function retryAfterMs(text: string | undefined): number | undefined {
  const seconds = /^\s*(\d{1,9})(?:\s|;|\(|$)/.exec(text ?? '')?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}

/** Nobody was there, or no transport leads there. */
const UNREACHABLE: LegFailure = next('buyer', 'unreachable', 480)

/** The buyer did not answer before its ring time was over. */
export const RING_TIMEOUT: LegFailure = next('buyer', 'no_answer', 480)

/** The buyer's side showed no sign of life while another buyer could take the call. */
export const SETUP_TIMEOUT: LegFailure = next('unknown', 'no_sign_of_life', 480)

/** A mistake of ours while the buyer was dialled, which another buyer may be spared. */
export const BRIDGE_FAILED: LegFailure = next('bridge', 'bridge_failed', 500)

const PREFERENCE = [486, 480, 488, 404, 500]

/** The response that tells the caller most, of those that the legs' failures would give. */
export function bestAnswer(answers: readonly number[]): number {
  const other = answers.find((answer) => !PREFERENCE.includes(answer))
  return other ?? PREFERENCE.find((answer) => answers.includes(answer)) ?? 480
}
