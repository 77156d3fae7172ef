import { expect, it } from 'vitest'
import { load, openFakePage } from './support/fake-page.ts'

interface Buyers {
  readonly answeringOf: (calls: readonly object[]) => ReadonlyMap<string, object>
  readonly describeSilent: (calls: readonly object[]) => readonly object[]
}

openFakePage()
const { answeringOf, describeSilent } = (await load('buyers.js')) as Buyers

const AT = '2026-03-01T12:00:00.000Z'
const unanswered = { answered_at: null, ended_at: AT, fault: 'unknown', reason: 'no_response' }
const silent = { buyer_id: 'roof', sip_status: 408, ...unanswered }
const answered = { buyer_id: 'roof', answered_at: AT, ended_at: AT, sip_status: 200 }
const givenUp = { ...silent, fault: 'caller', reason: 'hung_up_while_ringing' }
const ringing = { ...silent, ended_at: null, fault: null, reason: null }

/** Calls of one leg each, the newest first. */
const callsOf = (...legs: readonly object[]) =>
  legs.map((leg, index) => ({ uuid: `call-${index}`, legs: [leg] }))

/** So many of them. */
const times = (count: number, leg: object) => Array.from({ length: count }, () => leg)

it('counts how often a buyer was dialled and answered, and since when it has not', () => {
  const calls = callsOf(silent, givenUp, silent, ringing, answered, silent)
  expect(answeringOf(calls).get('roof')).toEqual({
    dialled: 6,
    answered: 1,
    lastAnsweredAt: AT,
    inARow: 2,
    lastFailure: { uuid: 'call-0', why: 'no response (SIP 408)' },
  })
})

it.each([
  ['five calls in a row that it has not answered', callsOf(...times(5, silent)), 1],
  ['four', callsOf(...times(4, silent)), 0],
  ['five, with an answer among them', callsOf(silent, silent, answered, silent, silent, silent), 0],
  ['five that callers gave up', callsOf(...times(5, givenUp)), 0],
  ['five that ring', callsOf(...times(5, ringing)), 0],
])('takes a buyer for silent from five on: %s', (_name, calls, count) => {
  expect(describeSilent(calls).length).toBe(count)
})

it('says of a silent buyer for how many calls, and how the latest ended', () => {
  expect(describeSilent(callsOf(...times(7, silent)))).toEqual([
    {
      text: 'Buyer “roof” has answered none of its last 7 calls; the latest: no response (SIP 408).',
      see: 'buyers',
    },
  ])
})
