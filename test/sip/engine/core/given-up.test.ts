import { beforeEach, describe, expect, it } from 'vitest'
import type { Dlg, Req, SrfApplication } from '../support/application.ts'
import { openFrames } from '../../../conformance/frames.ts'
import { eventually } from '../support/eventually.ts'
import { type Message, type Phone, SDP, valueOf } from '../support/phone.ts'
import { openWorldOfTest, type World } from '../support/world.ts'

let world: World
let bob: Phone
let application: SrfApplication

beforeEach(async () => {
  world = await openWorldOfTest()
  bob = await world.phone()
  application = await world.application()
})

/** A call of the application, and what can cancel it. */
function dial(headers: Readonly<Record<string, string>> = {}): {
  readonly status: Promise<number>
  readonly request: Promise<Req>
} {
  const request = Promise.withResolvers<Req>()
  const call = application.srf.createUAC(
    `sip:bob@127.0.0.1:${bob.port}`,
    { localSdp: SDP, headers },
    { cbRequest: (_error: unknown, sent: Req) => request.resolve(sent) },
  )
  const status = call.then(
    () => 200,
    (error: unknown) => (error as { readonly status: number }).status,
  )
  return { status, request: request.promise }
}

/** A call that rings, is cancelled in vain, and is given up; gives its INVITE. */
async function givenUpCall(): Promise<Message> {
  const { request, status } = dial()
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 180)
  ;(await request).cancel()
  bob.answer(await bob.expect('CANCEL'), 200)
  expect(await status).toBe(487)
  return invite
}

const counted = (name: string): number => world.stack.stats().counters[name] ?? 0

/** Waits until the engine has taken in what was sent to it before. */
async function untilHeard(): Promise<void> {
  const before = counted('requestsReceived')
  const dead = `sip:x@127.0.0.1:${world.port}`
  const via = `SIP/2.0/UDP 127.0.0.1:${bob.port};branch=z9hG4bK-${before}`
  bob.sendRaw(
    [
      `OPTIONS ${dead} SIP/2.0`,
      `Via: ${via}`,
      `From: <${dead}>;tag=1`,
      `To: <${dead}>`,
      `Call-ID: heard-${before}`,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n'),
  )
  await bob.expect(503)
}

describe('an answer to an INVITE that was given up (RFC 3261 §13.2.2.4)', () => {
  it('is acknowledged and hung up where a CANCEL was ignored, its copies acknowledged again', async () => {
    const invite = await givenUpCall()
    bob.answer(invite, 200, { body: SDP })
    const ack = await bob.expect('ACK')
    const bye = await bob.expect('BYE')
    bob.answer(bye, 200)
    bob.answer(invite, 200, { body: SDP })
    expect((await bob.expect('ACK')).text).toBe(ack.text)
    expect([ack.cseq, bye.cseq]).toEqual([invite.cseq, invite.cseq + 1])
    expect(valueOf(bye, 'reason')).toBe('SIP;cause=200;text="Call not wanted"')
    expect([counted('answersTooLate'), counted('callsHungUp')]).toEqual([1, 1])
    await world.quiescent()
    expect(bob.inbox).toEqual([])
  })

  it('is acknowledged and hung up where nobody had said anything for 64·T1', async () => {
    const { status } = dial()
    const invite = await bob.expect('INVITE')
    expect(await status).toBe(408)
    bob.answer(invite, 200, { body: SDP })
    await bob.expect('ACK')
    bob.answer(await bob.expect('BYE'), 200)
    await world.quiescent()
  })

  it('is hung up with a number that no PRACK has had', async () => {
    const { request, status } = dial({ Supported: '100rel' })
    const invite = await bob.expect('INVITE')
    bob.answer(invite, 183, { body: SDP, headers: ['Require: 100rel', 'RSeq: 7'] })
    const prack = await bob.expect('PRACK')
    bob.answer(prack, 200)
    ;(await request).cancel()
    await bob.expect('CANCEL')
    expect(await status).toBe(487)
    bob.answer(invite, 200, { body: SDP })
    await bob.expect('ACK')
    const bye = await bob.expect('BYE')
    bob.answer(bye, 200)
    expect([prack.cseq, bye.cseq]).toEqual([invite.cseq + 1, invite.cseq + 2])
    await world.quiescent()
  })

  it('is hung up for every phone that answers', async () => {
    const invite = await givenUpCall()
    for (const tag of ['one', 'two']) {
      bob.answer(invite, 200, { body: SDP, tag })
      await bob.expect('ACK')
      const bye = await bob.expect('BYE')
      expect(bye.toTag).toBe(tag)
      bob.answer(bye, 200)
    }
    await world.quiescent()
  })

  it('is put on record once, as the call that was cancelled', async () => {
    const frames = await openFrames(world.stack.admin)
    await frames.ask('authenticate|secret|')
    await frames.ask('route|cdr:stop')
    const invite = await givenUpCall()
    expect((await frames.recorded('cdr:stop')).words).toContain('call-canceled')
    bob.answer(invite, 200, { body: SDP })
    await bob.expect('ACK')
    bob.answer(await bob.expect('BYE'), 200)
    const { status } = dial()
    bob.answer(await bob.expect('INVITE'), 486)
    expect(await status).toBe(486)
    expect((await frames.recorded('cdr:stop')).words).toContain('call-rejected')
    frames.close()
  })

  it("is nobody's after another 64·T1", async () => {
    const invite = await givenUpCall()
    await world.quiescent()
    bob.answer(invite, 200, { body: SDP })
    await untilHeard()
    expect([counted('answersTooLate'), counted('messagesDropped')]).toEqual([0, 1])
  })
})

it('acknowledges a refusal that comes too late, so that it is not repeated (RFC 3261 §17.1.1.3)', async () => {
  const invite = await givenUpCall()
  bob.answer(invite, 487)
  const ack = await bob.expect('ACK')
  expect(ack.via.branch).toBe(invite.via.branch)
  await world.quiescent()
})

it('acknowledges a re-INVITE that is answered too late, and keeps the call', async () => {
  world = await openWorldOfTest({ timers: { t1Ms: 5, t2Ms: 40, t4Ms: 25, timerCMs: 60 } })
  bob = await world.phone()
  application = await world.application()
  const dialog = await answered()
  const changed = dialog.modify(SDP).catch((error: unknown) => error)
  const again = await bob.expect('INVITE')
  bob.answer(again, 180)
  await bob.expect('CANCEL')
  expect(await changed).toMatchObject({ status: 487 })
  bob.answer(again, 200, { body: SDP })
  expect((await bob.expect('ACK')).cseq).toBe(again.cseq)
  await eventually(
    () => counted('answersTooLate') === 1,
    () => 'it was not counted',
  )
  expect(counted('callsHungUp')).toBe(0)
  const over = dialog.destroy()
  bob.answer(await bob.expect('BYE'), 200)
  await over
  await world.quiescent()
})

async function answered(): Promise<Dlg> {
  const uri = `sip:bob@127.0.0.1:${bob.port}`
  const dialog = application.srf.createUAC(uri, { localSdp: SDP })
  bob.answer(await bob.expect('INVITE'), 200, { body: SDP, tag: 'bob' })
  await bob.expect('ACK')
  return dialog
}
