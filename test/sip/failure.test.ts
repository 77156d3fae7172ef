import { describe, expect, it } from 'vitest'
import { bestAnswer, classifyLegFailure, readFailure } from '../../src/sip/failure.ts'
import type { ReceivedResponse } from '../../src/sip/srf.ts'

describe('classifyLegFailure', () => {
  it.each([
    [
      302,
      'buyer',
      'redirected_302',
      480,
      true,
      'a redirect is not followed: it could lead anywhere',
    ],
    [401, 'buyer', 'credentials_refused', 500, true, 'a challenge never reaches the caller'],
    [404, 'buyer', 'no_such_target', 404, true, 'wrong target'],
    [408, 'unknown', 'no_response', 480, true, 'silence blames nobody'],
    [480, 'buyer', 'unavailable', 480, true, 'unavailable'],
    [482, 'bridge', 'loop', 482, false, 'a loop is not tried again'],
    [483, 'bridge', 'too_many_hops', 483, false, 'nor are too many hops'],
    [486, 'buyer', 'busy', 486, true, 'busy'],
    [488, 'buyer', 'no_common_codec', 488, true, 'no codec in common'],
    [500, 'buyer', 'server_error_500', 500, true, 'a server error'],
    [503, 'buyer', 'overloaded', 480, true, 'a relayed 503 would close our own trunk'],
    [603, 'buyer', 'declined', 480, true, 'declined'],
    [699, 'buyer', 'declined_699', 480, true, 'an unknown 6xx'],
  ])(
    '%i is the fault of the %s (%s), answered with %i',
    (status, fault, reason, answer, isNextTried) => {
      expect(classifyLegFailure(status)).toEqual({ fault, reason, answer, isNextTried })
    },
  )
})

describe('bestAnswer', () => {
  it.each([
    [[480, 486, 500], 486],
    [[500, 404, 480], 480],
    [[500, 404], 404],
    [[480, 482], 482],
    [[], 480],
  ])('of %j it is %i', (answers, best) => {
    expect(bestAnswer(answers)).toBe(best)
  })
})

describe('readFailure', () => {
  const response = (source_address: string, headers: Readonly<Record<string, string>> = {}) =>
    ({ source_address, get: (name: string) => headers[name] }) as unknown as ReceivedResponse
  const later = (text: string) => response('198.51.100.7', { 'Retry-After': text })

  it.each([
    ['a 503 that the SIP server made itself', 503, response(''), false, 'gone', 'unreachable'],
    ['a request that could not be sent', 500, undefined, false, 'gone', 'unreachable'],
    ['a 408 out of silence', 408, response(''), false, 'gone', 'no_response'],
    ['a 408 that the buyer sent', 408, response('198.51.100.7'), false, 'alive', 'no_response'],
    ['a 408 after ringing', 408, response('198.51.100.7'), true, 'alive', 'no_response'],
    ['a 503 of the buyer', 503, response('198.51.100.7'), false, 'alive', 'overloaded'],
    ['a 503 until later', 503, later('20;duration=9'), false, 'overloaded', 'overloaded'],
    ['a 503 until a time', 503, later('Fri, 1 Jan'), false, 'alive', 'overloaded'],
    ['a 486 with Retry-After', 486, later('20'), false, 'alive', 'busy'],
  ])('sees in %s what to do about the host', (...row) => {
    const [, status, received, hasRung, kind, reason] = row
    const failed = { kind: 'failed', status, ...(received && { response: received }) } as const
    expect(readFailure(failed, hasRung)).toMatchObject({ failure: { reason }, sighting: { kind } })
  })
})
