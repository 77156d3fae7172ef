import { beforeEach, expect, it } from 'vitest'
import type { Dlg, Handler } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { caller } from '../support/caller.ts'
import { type Message, type Phone, SDP } from '../support/phone.ts'
import { openWorldOfTest, type World } from '../support/world.ts'

let world: World
let alice: Phone
let bob: Phone

beforeEach(async () => {
  world = await openWorldOfTest()
  alice = await world.phone()
  bob = await world.phone()
})

/** A bridge as applications build it: what ends one leg ends the other. */
async function bridge(
  options: object = {},
  callbacks?: object,
): Promise<{ legs: Dlg[]; errors: unknown[] }> {
  const legs: Dlg[] = []
  const errors: unknown[] = []
  const invite: Handler = (req, res) => {
    const uri = `sip:bob@127.0.0.1:${bob.port}`
    void application.srf.createB2BUA(req, res, uri, options, callbacks).then(
      ({ uas, uac }) => {
        uas.on('destroy', () => void uac.destroy())
        uac.on('destroy', () => void uas.destroy())
        legs.push(uas, uac)
      },
      (error: unknown) => errors.push(error),
    )
  }
  const application = await world.application({ invite })
  return { legs, errors }
}

/** Brings a call from Alice to Bob up; gives Bob's INVITE and Alice's 200. */
async function connect(call: ReturnType<typeof caller>): Promise<{ invite: Message; ok: Message }> {
  alice.sendRaw(call.invite())
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 180)
  await alice.expect(180)
  bob.answer(invite, 200, { body: SDP })
  await bob.expect('ACK')
  const ok = await alice.expect(200)
  alice.sendRaw(call.ack(ok))
  return { invite, ok }
}

it('says 100 before the application has said anything', async () => {
  await bridge()
  alice.sendRaw(caller(alice, world.port).invite())
  await alice.expect(100)
})

it('carries a call from ringing to the BYE of the caller, and keeps nothing of it', async () => {
  const { legs } = await bridge()
  const call = caller(alice, world.port)
  const { invite, ok } = await connect(call)
  expect(invite.body).toBe(SDP)
  expect(ok.body).toBe(SDP)
  await eventually(
    () => legs.length === 2,
    () => 'the application has no dialogs',
  )

  alice.sendRaw(call.inDialog(ok, 'BYE', 2))
  const bye = await bob.expect('BYE')
  bob.answer(bye, 200)
  await alice.expect('200 BYE')
  await world.quiescent()
  expect(legs.every((leg) => !leg.connected)).toBe(true)
})

it('passes on the BYE of the callee', async () => {
  const { legs } = await bridge()
  const call = caller(alice, world.port)
  const { invite } = await connect(call)
  await eventually(
    () => legs.length === 2,
    () => 'the application has no dialogs',
  )

  bob.sendRaw(fromCallee(invite, 'BYE', 1))
  const bye = await alice.expect('BYE')
  expect(bye.toTag).toBe(invite.kind === 'request' ? callerTag(call.sipCallId) : '')
  alice.answer(bye, 200)
  await bob.expect('200 BYE')
  await world.quiescent()
})

it('keeps bytes of display names and bodies that are not ASCII', async () => {
  await bridge()
  const body = Buffer.from(SDP.replace('s=-', 's=Größe'), 'utf8').toString('latin1')
  alice.sendRaw(caller(alice, world.port).invite({ body }))
  const invite = await bob.expect('INVITE')
  const utf8 = Buffer.from(invite.text, 'latin1').toString('utf8')
  expect(utf8).toContain('"Cällér" <sip:+15551234567@')
  expect(utf8).toContain('s=Größe')
  bob.answer(invite, 486)
  await alice.expect(486)
})

it('passes a refusal on with its status, and acknowledges it itself', async () => {
  const { errors } = await bridge()
  alice.sendRaw(caller(alice, world.port).invite())
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 486)
  const ack = await bob.expect('ACK')
  expect(ack.via.branch).toBe(invite.via.branch)
  await alice.expect(486)
  await world.quiescent()
  expect(errors).toHaveLength(1)
})

it('passes a CANCEL on, with its Reason', async () => {
  const { errors } = await bridge()
  const call = caller(alice, world.port)
  alice.sendRaw(call.invite())
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 180)
  await alice.expect(180)

  alice.sendRaw(call.cancel())
  await alice.expect('200 CANCEL')
  await alice.expect('487 INVITE')
  const cancel = await bob.expect('CANCEL')
  expect(cancel.via.branch).toBe(invite.via.branch)
  expect(cancel.text).toContain('Reason: SIP;cause=200;text="Call completed elsewhere"')
  bob.answer(cancel, 200)
  bob.answer(invite, 487)
  await bob.expect('ACK')
  await world.quiescent()
  expect(errors).toHaveLength(1)
})

it('holds a CANCEL back until the callee has said anything (RFC 3261 §9.1)', async () => {
  await bridge()
  const call = caller(alice, world.port)
  alice.sendRaw(call.invite())
  const invite = await bob.expect('INVITE')
  alice.sendRaw(call.cancel())
  await alice.expect('487 INVITE')
  await eventually(
    () => bob.inbox.length >= 3,
    () => 'the INVITE is not repeated',
  )
  expect(bob.inbox.map((message) => message.cseqMethod)).not.toContain('CANCEL')
  bob.answer(invite, 100)
  await bob.expect('CANCEL')
  bob.answer(invite, 487)
  await world.quiescent()
})

it('hangs up the answer that crossed a CANCEL', async () => {
  await bridge()
  const call = caller(alice, world.port)
  alice.sendRaw(call.invite())
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 180)
  await alice.expect(180)
  alice.sendRaw(call.cancel())
  await bob.expect('CANCEL')
  bob.answer(invite, 200, { body: SDP })
  await bob.expect('ACK')
  bob.answer(await bob.expect('BYE'), 200)
  await world.quiescent()
})

it('hangs up every fork but the first that answers', async () => {
  await bridge()
  const call = caller(alice, world.port)
  alice.sendRaw(call.invite())
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 200, { tag: 'first', body: SDP })
  expect((await bob.expect('ACK')).toTag).toBe('first')
  bob.answer(invite, 200, { tag: 'second', body: SDP })
  expect((await bob.expect('ACK')).toTag).toBe('second')
  const bye = await bob.expect('BYE')
  expect(bye.toTag).toBe('second')
  bob.answer(bye, 200)
  alice.sendRaw(call.ack(await alice.expect(200)))
  expect(world.stack.stats().tables['dialogs']).toBe(2)
})

it('repeats its ACK when the callee repeats the 200', async () => {
  await bridge()
  alice.sendRaw(caller(alice, world.port).invite())
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 200, { body: SDP })
  const ack = await bob.expect('ACK')
  bob.answer(invite, 200, { body: SDP })
  expect((await bob.expect('ACK')).text).toBe(ack.text)
})

it('carries a late offer in the ACK', async () => {
  await bridge()
  const call = caller(alice, world.port)
  alice.sendRaw(call.invite({ body: '' }))
  const invite = await bob.expect('INVITE')
  expect(invite.body).toBe('')
  bob.answer(invite, 200, { body: SDP })
  const ok = await alice.expect(200)
  const answer = SDP.replace('6000', '7000')
  alice.sendRaw(
    call
      .ack(ok)
      .replace(
        'Content-Length: 0\r\n\r\n',
        `Content-Type: application/sdp\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`,
      ),
  )
  expect((await bob.expect('ACK')).body).toBe(answer)
})

function callerTag(sipCallId: string): string {
  return `caller${/\d+/.exec(sipCallId)?.[0] ?? ''}`
}

/** A request of the callee inside the dialog that it made by answering `invite` with `phonetag`. */
function fromCallee(invite: Message, method: string, cseq: number): string {
  const header = (key: string): string =>
    invite.headers.find((field) => field.key === key)?.value ?? ''
  return [
    `${method} sip:127.0.0.1:${world.port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${bob.port};rport;branch=z9hG4bK-callee-${method}-${cseq}`,
    'Max-Forwards: 70',
    `From: ${header('to')};tag=phonetag`,
    `To: ${header('from')}`,
    `Call-ID: ${invite.sipCallId}`,
    `CSeq: ${cseq} ${method}`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}
