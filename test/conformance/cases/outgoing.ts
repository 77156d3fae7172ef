import assert from 'node:assert/strict'
import type { Dlg, Req, Res } from '../../sip/engine/support/application.ts'
import { type Message, type Phone, SDP, valueOf } from '../../sip/engine/support/phone.ts'
import { fromCallee } from '../callee.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'

const CHALLENGE = 'Digest realm="local", nonce="abc", algorithm=MD5'
const CREDENTIALS = { auth: { username: 'u', password: 'p' } }

/** A call of an application to a phone: what it does, and what becomes of it. */
export async function placedCall(stage: Stage, options: object = {}, callbacks: object = {}) {
  const phone = await stage.phone()
  const { srf } = await stage.application()
  const uri = `sip:bob@127.0.0.1:${phone.port}`
  const outcome = srf.createUAC(uri, { localSdp: SDP, ...options }, callbacks).then(
    (dialog) => ({ dialog, error: undefined }),
    (error: unknown) => ({ dialog: undefined, error }),
  )
  return { srf, phone, uri, outcome }
}

/** The dialog of a call that was answered. */
export async function dialogOf(outcome: Promise<{ dialog: Dlg | undefined; error: unknown }>) {
  const { dialog, error } = await outcome
  if (!dialog) throw new Error('the call was not answered', { cause: error })
  return dialog
}

async function failure(outcome: Promise<{ error: unknown }>): Promise<object> {
  const { error } = await outcome
  assert.ok(error instanceof Error)
  return error
}

/** Answers a call and takes the ACK. */
async function pickUp(phone: Phone, headers: readonly string[] = []): Promise<Message> {
  const invite = await phone.expect('INVITE')
  phone.answer(invite, 200, { body: SDP, headers })
  await phone.expect('ACK')
  return invite
}

/** Calls of an application that go out. */
export const OUTGOING_CASES: readonly Case[] = [
  {
    name: 'createUAC sets a call up, and destroy hangs it up',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage)
      const invite = await phone.expect('INVITE')
      phone.answer(invite, 100)
      phone.answer(invite, 200, { body: SDP })
      const ack = await phone.expect('ACK')
      assert.match(ack.text, new RegExp(`^ACK sip:phone@127\\.0\\.0\\.1:${phone.port} `))
      assert.equal(ack.cseq, invite.cseq)
      assert.notEqual(ack.via.branch, invite.via.branch)
      const dialog = await dialogOf(outcome)
      assert.equal(dialog.sip.callId, invite.sipCallId)
      assert.equal(dialog.remote.sdp, SDP)
      const over = dialog.destroy()
      const bye = await phone.expect('BYE')
      assert.equal(bye.cseq, invite.cseq + 1)
      phone.answer(bye, 200)
      await over
    },
  },
  {
    name: 'the BYE of the called phone is answered and ends the dialog',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage)
      const invite = await pickUp(phone)
      const over = Promise.withResolvers<void>()
      ;(await dialogOf(outcome)).on('destroy', () => {
        over.resolve()
      })
      phone.sendRaw(fromCallee(phone, invite, 'BYE', { cseq: 1 }))
      await phone.expect('200 BYE')
      await over.promise
    },
  },
  {
    name: 'a repeated 200 is acknowledged again without the application',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage)
      const invite = await phone.expect('INVITE')
      phone.answer(invite, 200, { body: SDP })
      const ack = await phone.expect('ACK')
      phone.answer(invite, 200, { body: SDP })
      assert.equal((await phone.expect('ACK')).cseq, ack.cseq)
      const over = (await dialogOf(outcome)).destroy()
      phone.answer(await phone.expect('BYE'), 200)
      await over
    },
  },
  {
    name: 'provisional responses are handed on, a 100 is not',
    run: async (stage) => {
      const heard: number[] = []
      const cbProvisional = ({ status }: Res): void => {
        heard.push(status)
      }
      const { outcome, phone } = await placedCall(stage, {}, { cbProvisional })
      const invite = await phone.expect('INVITE')
      for (const status of [100, 180, 183]) phone.answer(invite, status)
      phone.answer(invite, 486)
      const error = await failure(outcome)
      assert.deepEqual(heard, [180, 183])
      assert.equal((error as { status?: number }).status, 486)
      assert.equal((await phone.expect('ACK')).via.branch, invite.via.branch)
    },
  },
  {
    name: '302 is followed by the client to the next Contact when it is told to',
    run: async (stage) => {
      const next = await stage.phone()
      const { outcome, phone } = await placedCall(stage, { followRedirects: true })
      const contact = `<sip:next@127.0.0.1:${next.port}>`
      phone.answer(await phone.expect('INVITE'), 302, { contact })
      await phone.expect('ACK')
      await pickUp(next)
      const over = (await dialogOf(outcome)).destroy()
      next.answer(await next.expect('BYE'), 200)
      await over
    },
  },
  {
    name: 'an INVITE with credentials follows a challenge, in the same call with the next CSeq',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage, CREDENTIALS)
      const first = await phone.expect('INVITE')
      phone.answer(first, 401, { headers: [`WWW-Authenticate: ${CHALLENGE}`] })
      await phone.expect('ACK')
      const second = await phone.expect('INVITE')
      assert.equal(second.sipCallId, first.sipCallId)
      assert.equal(second.fromTag, first.fromTag)
      assert.equal(second.cseq, first.cseq + 1)
      assert.equal(second.toTag, undefined)
      assert.match(valueOf(second, 'authorization'), /^Digest username="u"/)
      phone.answer(second, 200, { body: SDP })
      await phone.expect('ACK')
      await dialogOf(outcome)
    },
  },
  {
    name: 'a BYE with credentials follows a challenge too',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage, CREDENTIALS)
      await pickUp(phone)
      const over = (await dialogOf(outcome)).destroy(CREDENTIALS)
      const first = await phone.expect('BYE')
      phone.answer(first, 407, { headers: [`Proxy-Authenticate: ${CHALLENGE}`] })
      const second = await phone.expect('BYE')
      assert.equal(second.cseq, first.cseq + 1)
      assert.match(valueOf(second, 'proxy-authorization'), /^Digest username="u"/)
      phone.answer(second, 200)
      await over
    },
  },
  {
    name: 'a call without an offer takes it from the 200 and puts the answer into its ACK',
    run: async (stage) => {
      const phone = await stage.phone()
      const { srf } = await stage.application()
      const uri = `sip:bob@127.0.0.1:${phone.port}`
      const offered = srf.createUAC(uri, { noAck: true }) as unknown as Promise<LateOffer>
      const invite = await phone.expect('INVITE')
      assert.equal(invite.body, '')
      phone.answer(invite, 200, { body: SDP })
      const { ack, sdp } = await offered
      assert.equal(sdp, SDP)
      const dialog = ack(SDP.replace('6000', '7000'))
      assert.match((await phone.expect('ACK')).body, /m=audio 7000/)
      const over = (await dialog).destroy()
      phone.answer(await phone.expect('BYE'), 200)
      await over
    },
  },
  {
    name: 'a CANCEL is held until the first provisional response',
    run: async (stage) => {
      const sent = Promise.withResolvers<Req>()
      const { outcome, phone } = await placedCall(stage, {}, { cbRequest: requestTo(sent) })
      const invite = await phone.expect('INVITE')
      ;(await sent.promise).cancel()
      assert.equal((await phone.expect('INVITE')).text, invite.text)
      assert.ok(!phone.inbox.some(isCancel))
      phone.answer(invite, 180)
      const cancel = await phone.expect('CANCEL')
      assert.equal(cancel.via.branch, invite.via.branch)
      assert.equal(cancel.cseq, invite.cseq)
      phone.answer(cancel, 200)
      phone.answer(invite, 487)
      await phone.expect('ACK')
      assert.equal(((await failure(outcome)) as { status?: number }).status, 487)
    },
  },
  {
    name: 'a 200 that crosses a CANCEL is acknowledged and hung up',
    run: async (stage) => {
      const sent = Promise.withResolvers<Req>()
      const { phone } = await placedCall(stage, {}, { cbRequest: requestTo(sent) })
      const invite = await phone.expect('INVITE')
      phone.answer(invite, 180)
      ;(await sent.promise).cancel()
      phone.answer(await phone.expect('CANCEL'), 200)
      phone.answer(invite, 200, { body: SDP })
      await phone.expect('ACK')
      phone.answer(await phone.expect('BYE'), 200)
    },
  },
  {
    name: 'a reliable 183 is acknowledged with a PRACK, and the BYE counts on from there',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage, { headers: { Supported: '100rel' } })
      const invite = await phone.expect('INVITE')
      phone.answer(invite, 183, { body: SDP, headers: ['Require: 100rel', 'RSeq: 77'] })
      const prack = await phone.expect('PRACK')
      assert.equal(valueOf(prack, 'rack'), `77 ${invite.cseq} INVITE`)
      assert.equal(prack.cseq, invite.cseq + 1)
      phone.answer(prack, 200)
      phone.answer(invite, 200, { body: SDP })
      assert.equal((await phone.expect('ACK')).cseq, invite.cseq)
      const over = (await dialogOf(outcome)).destroy()
      const bye = await phone.expect('BYE')
      assert.equal(bye.cseq, invite.cseq + 2)
      phone.answer(bye, 200)
      await over
    },
  },
  {
    name: 'record routes of the 200 are followed in reverse',
    run: async (stage) => {
      const edge = await stage.phone()
      const { outcome, phone } = await placedCall(stage)
      const invite = await phone.expect('INVITE')
      const route = (name: string): string => `<sip:${name}@127.0.0.1:${edge.port};lr>`
      const headers = [`Record-Route: ${route('far')}`, `Record-Route: ${route('near')}`]
      phone.answer(invite, 200, { body: SDP, headers })
      const ack = await edge.expect('ACK')
      const routes = ack.headers.flatMap(({ key, value }) =>
        key === 'route' ? value.split(/,\s*/) : [],
      )
      assert.deepEqual(routes, [route('near'), route('far')])
      assert.match(ack.text, /^ACK sip:phone@/)
      const over = (await dialogOf(outcome)).destroy()
      edge.answer(await edge.expect('BYE'), 200)
      await over
    },
  },
  {
    name: 'nobody answers: 408 after 64·T1',
    run: async (stage) => {
      const { outcome } = await placedCall(stage)
      assert.equal(((await failure(outcome)) as { status?: number }).status, 408)
    },
  },
  {
    name: 'a port that refuses packets: 503 at once',
    run: async (stage) => {
      const gone = await stage.phone()
      await gone.close()
      const { srf } = await stage.application()
      const begunAtMs = performance.now()
      await assert.rejects(srf.createUAC(`sip:x@127.0.0.1:${gone.port}`, { localSdp: SDP }), {
        status: 503,
      })
      assert.ok(performance.now() - begunAtMs < stage.subject.timeoutMs / 2)
    },
  },
  ...['OPTIONS', 'MESSAGE', 'INFO', 'REGISTER', 'PUBLISH', 'NOTIFY'].map((method): Case => ({
    name: `srf.request sends ${method} and gets its response`,
    run: async (stage) => {
      const phone = await stage.phone()
      const { srf } = await stage.application()
      const answered = Promise.withResolvers<number>()
      const uri = `sip:bob@127.0.0.1:${phone.port}`
      srf.request(uri, { method, headers: { Event: 'x' } }, (_, request) => {
        request.on('response', ({ status }) => {
          answered.resolve(status)
        })
      })
      phone.answer(await phone.expect(method), 202)
      assert.equal(await answered.promise, 202)
    },
  })),
  {
    name: 'a REGISTER with credentials follows a challenge',
    run: async (stage) => {
      const phone = await stage.phone()
      const { srf } = await stage.application()
      const answered = Promise.withResolvers<number>()
      const uri = `sip:127.0.0.1:${phone.port}`
      srf.request(uri, { method: 'REGISTER', ...CREDENTIALS }, (_, request) => {
        request.on('response', ({ status }) => {
          answered.resolve(status)
        })
      })
      const first = await phone.expect('REGISTER')
      phone.answer(first, 401, { headers: [`WWW-Authenticate: ${CHALLENGE}`] })
      const second = await phone.expect('REGISTER')
      assert.equal(second.cseq, first.cseq + 1)
      assert.equal(second.sipCallId, first.sipCallId)
      phone.answer(second, 200)
      assert.equal(await answered.promise, 200)
    },
  },
  {
    name: 'a second phone that answers a forked call is acknowledged and hung up',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage)
      const invite = await phone.expect('INVITE')
      phone.answer(invite, 200, { body: SDP, tag: 'first' })
      await phone.expect('ACK')
      phone.answer(invite, 200, { body: SDP, tag: 'second' })
      assert.equal((await phone.expect('ACK')).toTag, 'second')
      const bye = await phone.expect('BYE')
      assert.equal(bye.toTag, 'second')
      phone.answer(bye, 200)
      assert.equal((await dialogOf(outcome)).sip.remoteTag, 'first')
    },
    differs: {
      why: 'drachtio-server swallows the second 200: that phone repeats it for 32 s and is charged for',
      run: async (stage) => {
        const { outcome, phone } = await placedCall(stage)
        const invite = await phone.expect('INVITE')
        phone.answer(invite, 200, { body: SDP, tag: 'first' })
        await phone.expect('ACK')
        phone.answer(invite, 200, { body: SDP, tag: 'second' })
        assert.equal((await dialogOf(outcome)).sip.remoteTag, 'first')
      },
    },
  },
]

/** What drachtio-srf gives for a call without an offer. */
interface LateOffer {
  readonly sdp: string
  readonly ack: (answer: string) => Promise<Dlg>
}

const isCancel = (message: Message): boolean =>
  message.kind === 'request' && message.method === 'CANCEL'

const requestTo =
  ({ resolve }: PromiseWithResolvers<Req>) =>
  (_error: unknown, request: Req): void => {
    resolve(request)
  }
