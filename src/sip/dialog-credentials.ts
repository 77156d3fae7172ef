import { answerChallenge, type Credentials, isStale } from './digest-answer.ts'
import type { Dialog, FinalResponse } from './srf.ts'

type Ask = Dialog['request']

/**
 * Requests inside a dialog that answer a challenge, and once more a stale nonce. The client's own digest is
 * left unused here too: besides knowing MD5 alone, it signs another URI than the one that it sends to.
 * @param uri the remote target, which is the Request-URI
 */
export function withCredentials(ask: Ask, uri: string, auth: Credentials | undefined): Ask {
  if (!auth) return ask
  const answered = async (
    [method, options]: Parameters<Ask>,
    final: FinalResponse | undefined,
    isAgain: boolean,
  ): Promise<FinalResponse | undefined> => {
    if (!final || !isChallenge(final.response.status)) return final
    if (isAgain && !isStale(final.response)) return final
    const credentials = answerChallenge(final.response, { method, uri }, auth)
    if (!credentials) return final
    const headers = { ...options.headers, ...credentials }
    const next = await ask(method, { ...options, headers })
    return isAgain ? next : answered([method, options], next, true)
  }
  return async (...request) => answered(request, await ask(...request), false)
}

/** Whether a final response asks for credentials. */
export const isChallenge = (status: number): boolean => status === 401 || status === 407
