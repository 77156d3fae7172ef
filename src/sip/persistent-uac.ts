import { setTimeout as delay } from 'node:timers/promises'
import { answerChallenge, isStale } from './digest-answer.ts'
import type { Headers, ReceivedResponse, SipClient, Uac, UacOptions, UacOutcome } from './srf.ts'

/** What has been tried so far for one leg. */
interface Tries {
  readonly hasAnsweredChallenge: boolean
  readonly hasAnsweredStale: boolean
  readonly hasWaited: boolean
}

interface NextTry {
  readonly headers: Headers
  readonly delayMs: number
  readonly tries: Tries
}

/** Somebody else's request was in the way; a moment later it is not. @see RFC 3261 §21.4.27 */
const PENDING_DELAY_MS = 300

/**
 * Invites a buyer, and once more where that is called for: with credentials after a challenge, with a new
 * nonce when the old one was stale, and a moment later after 491. The client's own digest is left unused: it
 * knows neither SHA-256 nor `stale` and mixes several challenges into one.
 */
export function createPersistentUac(
  client: Pick<SipClient, 'createUac'>,
  options: UacOptions,
  onProvisional: (response: ReceivedResponse) => void,
): Uac {
  let current: Uac | undefined
  let cancelHeaders: Headers | undefined
  const run = async (headers: Headers, tries: Tries): Promise<UacOutcome> => {
    current = client.createUac(
      { ...options, headers: { ...options.headers, ...headers } },
      onProvisional,
    )
    if (cancelHeaders) current.cancel(cancelHeaders)
    const outcome = await current.outcome
    const next = cancelHeaders ? undefined : nextTry(outcome, options, tries)
    if (!next) return outcome
    if (next.delayMs > 0) await delay(next.delayMs)
    return cancelHeaders ? outcome : run(next.headers, next.tries)
  }
  const nothing = { hasAnsweredChallenge: false, hasAnsweredStale: false, hasWaited: false }
  return {
    outcome: run({}, nothing),
    cancel(headers) {
      cancelHeaders ??= headers
      current?.cancel(headers)
    },
  }
}

function nextTry(
  outcome: UacOutcome,
  { uri, auth }: UacOptions,
  tries: Tries,
): NextTry | undefined {
  if (outcome.kind !== 'failed' || !outcome.response) return undefined
  const { status, response } = outcome
  if (status === 491 && !tries.hasWaited) {
    return { headers: {}, delayMs: PENDING_DELAY_MS, tries: { ...tries, hasWaited: true } }
  }
  if ((status !== 401 && status !== 407) || !auth) return undefined
  const isAgain = tries.hasAnsweredChallenge
  if (isAgain && (tries.hasAnsweredStale || !isStale(response))) return undefined
  const authorization = answerChallenge(response, { method: 'INVITE', uri }, auth)
  if (!authorization) return undefined
  const headers = { ...authorization, ...sameCall(response) }
  const after = { ...tries, hasAnsweredChallenge: true, hasAnsweredStale: isAgain }
  return { headers, delayMs: 0, tries: after }
}

/** The request that carries credentials belongs to the same call as the challenged one. @see RFC 3261 §22.2 */
function sameCall(response: ReceivedResponse): Headers {
  const sequence = Number.parseInt(response.get('CSeq') ?? '', 10)
  const from = response.get('From')
  const sipCallId = response.get('Call-ID')
  if (!Number.isSafeInteger(sequence) || from === undefined || sipCallId === undefined) return {}
  return { From: from, 'Call-ID': sipCallId, CSeq: `${sequence + 1} INVITE` }
}
