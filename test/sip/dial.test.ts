import { expect, it } from 'vitest'
import { dial } from '../../src/sip/dial.ts'
import type { Answer, Headers, ReceivedResponse, UacOutcome } from '../../src/sip/srf.ts'

/** A buyer's answer, and whether it was hung up and why. */
function anAnswer() {
  const hungUp: Headers[] = []
  const dialog = {
    ended: new Promise<never>(() => {}),
    hangUp: (headers: Headers) => void hungUp.push(headers),
    request: () => Promise.resolve(undefined),
    onRequest: () => {},
    onAck: () => {},
  }
  const response = { status: 200 } as ReceivedResponse
  const answer: Answer = { kind: 'confirmed', dialog, response }
  return { answer, hungUp }
}

it('hangs up a buyer whose answer comes after we gave it up', async () => {
  const { answer, hungUp } = anAnswer()
  const outcome = Promise.withResolvers<UacOutcome>()
  const cancelled: Headers[] = []
  const cancel = (headers: Headers) => void cancelled.push(headers)
  const reason = { Reason: 'SIP;cause=487' }
  const result = await dial(
    { createUac: () => ({ outcome: outcome.promise, cancel }) },
    {
      uac: { uri: 'sip:buyer@127.0.0.1', headers: {}, body: undefined, auth: undefined },
      ringTimeoutMs: 60_000,
      setupTimeoutMs: undefined,
      givenUp: Promise.resolve(reason),
      onProvisional: () => {},
      onFailure: () => {},
    },
  )
  expect(result).toEqual({ kind: 'cancelled' })
  expect(cancelled).toEqual([reason])
  outcome.resolve({ kind: 'answered', answer })
  await expect.poll(() => hungUp).toEqual([reason])
})
