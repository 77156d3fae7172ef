import { expect, it } from 'vitest'
import { bridge } from '../../src/sip/bridged-call.ts'
import { startLegClock } from '../../src/sip/leg-clock.ts'
import type { Call } from '../../src/sip/live-call.ts'
import type { Answer, Dialog, DialogEnd, SipMessage, UasOutcome } from '../../src/sip/srf.ts'
import { aBuyer, aCampaign, silent } from '../support/flow.ts'

/** One side of a call, and what was done to it. */
function aDialog() {
  const done: string[] = []
  const ended = Promise.withResolvers<DialogEnd>()
  const acked = Promise.withResolvers<(ack: SipMessage) => unknown>()
  const dialog: Dialog = {
    ended: ended.promise,
    hangUp: () => void done.push('hung up'),
    request: () => Promise.resolve(undefined),
    onRequest: () => {},
    onAck: acked.resolve,
  }
  const ack = async (body: string) => (await acked.promise)({ body } as SipMessage)
  return { dialog, done, end: ended.resolve, ack }
}

/** A call whose buyer has answered; `outcome` is what becomes of our 200. */
function aCall(outcome: UasOutcome, parts: Partial<Call> = {}): Call {
  const sent: number[] = []
  const client = {
    createUas: () => {
      sent.push(200)
      return Promise.resolve(outcome)
    },
  }
  return {
    deps: {
      client,
      log: silent,
      memory: { end: () => {} },
      flow: { bridgeCall: () => Promise.resolve() },
      callMsMax: 60_000,
    },
    request: { get: () => undefined },
    response: {
      get finalResponseSent() {
        return sent.length > 0
      },
      send: (status: number) => sent.push(status),
    },
    admitted: { found: { campaign: aCampaign() } },
    hungUp: new Promise(() => {}),
    isCancelled: false,
    ...parts,
  } as unknown as Call
}

/** The buyer's 200, with the offer of a call that had none. */
function anOffer(acknowledge: (sdp: string) => Promise<Dialog>) {
  const done: string[] = []
  const answer: Answer = {
    kind: 'offer',
    response: { status: 200, body: 'v=0', get: () => undefined } as never,
    acknowledge,
    abandon: () => void done.push('abandoned'),
  }
  return { answer, done }
}

/** A leg that rang together with the one that was answered. */
const LOST = { leg: 2, sipStatus: 487, fault: 'bridge', reason: 'lost_the_race' }

const bridgeTo = (call: Call, answer: Answer) =>
  bridge(call, {} as never, { buyer: aBuyer(), answer, clock: startLegClock(1), lost: [LOST] })

it.each([
  [
    { kind: 'cancelled' },
    { hungUpBy: 'caller', endReason: 'caller_cancelled', sipStatus: 487 },
    { sipStatus: 487, fault: 'caller', reason: 'cancelled' },
  ],
  [
    { kind: 'server_lost' },
    { hungUpBy: 'bridge', endReason: 'bridge_lost', sipStatus: undefined },
    { fault: 'bridge', reason: 'bridge_lost' },
  ],
  [
    { kind: 'failed', error: new Error('bad') },
    { hungUpBy: 'bridge', endReason: 'bridge_failed', sipStatus: 200 },
    { fault: 'bridge', reason: 'bridge_failed' },
  ],
] as const)('a call whose 200 ends as %j says so, and the buyer is hung up', async (...row) => {
  const [outcome, ending, leg] = row
  const { dialog, done } = aDialog()
  const response = { status: 200, body: 'v=0', get: () => undefined } as never
  const ended = await bridgeTo(aCall(outcome), { kind: 'confirmed', dialog, response })
  expect(ended).toMatchObject({ ...ending, connectedMs: undefined, legs: [leg, LOST] })
  expect(done).toEqual(['hung up'])
})

it('a caller whose CANCEL crosses our 200 is remembered as one who has cancelled', async () => {
  const told: (number | undefined)[] = []
  const call = aCall({ kind: 'cancelled' })
  const memory = { end: (_: unknown, status: number | undefined) => void told.push(status) }
  const { dialog } = aDialog()
  const response = { status: 200, body: 'v=0', get: () => undefined } as never
  const deps = { ...call.deps, memory } as never
  await bridgeTo({ ...call, deps }, { kind: 'confirmed', dialog, response })
  expect(told).toEqual([487])
})

it('a caller who hangs up instead of answering the offer has hung up', async () => {
  const caller = aDialog()
  const { answer, done } = anOffer(() => Promise.reject(new Error('not asked')))
  const ending = bridgeTo(aCall({ kind: 'answered', dialog: caller.dialog }), answer)
  caller.end({ by: 'peer', reason: undefined })
  expect(await ending).toMatchObject({
    hungUpBy: 'caller',
    endReason: 'caller_hung_up',
    sipStatus: 200,
    legs: [{ fault: 'caller', reason: 'caller_hung_up' }, LOST],
  })
  expect(done).toEqual(['abandoned'])
})

it('a buyer who cannot be acknowledged leaves nobody behind in the call', async () => {
  const caller = aDialog()
  const { answer, done } = anOffer(() => Promise.reject(new Error('no Contact')))
  const ending = bridgeTo(aCall({ kind: 'answered', dialog: caller.dialog }), answer)
  await caller.ack('v=0')
  expect(await ending).toMatchObject({ endReason: 'bridge_failed', sipStatus: 200 })
  expect([caller.done, done]).toEqual([['hung up'], ['abandoned']])
})

it('a mistake before the caller is answered hangs up the buyer', async () => {
  const { dialog, done } = aDialog()
  const get = () => {
    throw new Error('a mistake')
  }
  const answer: Answer = { kind: 'confirmed', dialog, response: { body: 'v=0', get } as never }
  expect(await bridgeTo(aCall({ kind: 'server_lost' }), answer)).toMatchObject({
    endReason: 'bridge_failed',
    sipStatus: 500,
  })
  expect(done).toEqual(['hung up'])
})

it('a call that goes with the SIP server ends when that was last heard', async () => {
  const [caller, buyer] = [aDialog(), aDialog()]
  const response = { status: 200, body: 'v=0', get: () => undefined } as never
  const answer: Answer = { kind: 'confirmed', dialog: buyer.dialog, response }
  const ending = bridgeTo(aCall({ kind: 'answered', dialog: caller.dialog }), answer)
  const heardAtMs = performance.now() + 7_000
  caller.end({ by: 'server', reason: undefined, heardAtMs })
  const { connectedMs, endedAtMs, endReason, legs } = await ending
  expect([endReason, endedAtMs]).toEqual(['bridge_lost', heardAtMs])
  expect(legs).toMatchObject([{ endedAtMs: heardAtMs, sipStatus: 200 }])
  expect(connectedMs).toBeCloseTo(7_000, -3)
})

it('a mistake while they are connected hangs up both', async () => {
  const [caller, buyer] = [aDialog(), aDialog()]
  const get = (name: string) => {
    if (name === 'Allow') throw new Error('a mistake')
    return undefined
  }
  const response = { status: 200, body: 'v=0', get } as never
  const answer: Answer = { kind: 'confirmed', dialog: buyer.dialog, response }
  const call = aCall({ kind: 'answered', dialog: caller.dialog })
  expect(await bridgeTo(call, answer)).toMatchObject({
    hungUpBy: 'bridge',
    endReason: 'bridge_failed',
    sipStatus: 200,
    legs: [{ leg: 1, sipStatus: 200, fault: 'bridge', reason: 'bridge_failed' }, LOST],
  })
  expect([caller.done, buyer.done]).toEqual([['hung up'], ['hung up']])
})
