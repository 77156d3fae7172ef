import assert from 'node:assert/strict'
import type { Dlg, Req, Res } from '../../sip/engine/support/application.ts'
import type { Caller } from '../../sip/engine/support/caller.ts'
import { type Message, type Phone, SDP } from '../../sip/engine/support/phone.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'
import { dialogOf, placedCall } from './outgoing.ts'

/** A Contact of a transport that the server does not speak. */
const ELSEWHERE = '<sip:phone@192.0.2.1;transport=ws>'

const hidden = (invite: string): string =>
  invite.replace(/Contact: [^\r]*/, `Contact: ${ELSEWHERE}`)

const RELIABLE = ['Require: 100rel', 'RSeq: 7']

interface Answered {
  readonly phone: Phone
  readonly call: Caller
  readonly ok: Message
  readonly dialog: Dlg
}

/** A call that came in, with what its INVITE says changed, and was answered. */
async function answeredCall(
  stage: Stage,
  change: (invite: string) => string = (invite) => invite,
): Promise<Answered> {
  const phone = await stage.phone()
  const call = stage.callFrom(phone)
  const taken = Promise.withResolvers<Dlg>()
  const { srf } = await stage.application({
    invite: (req, res) => {
      srf.createUAS(req, res, { localSdp: SDP }).then(taken.resolve, taken.reject)
    },
  })
  phone.sendRaw(change(call.invite()))
  const ok = await phone.expect('200 INVITE')
  phone.sendRaw(call.ack(ok))
  return { phone, call, ok, dialog: await taken.promise }
}

/** A BYE while the re-INVITE before it waits for the application; gives that request's response. */
async function hangUpWhileAsked(
  stage: Stage,
): Promise<{ readonly phone: Phone; readonly res: Res }> {
  const { call, dialog, ok, phone } = await answeredCall(stage)
  const asked = Promise.withResolvers<Res>()
  dialog.on('modify', (_req, res) => {
    asked.resolve(res)
  })
  phone.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }))
  const res = await asked.promise
  phone.sendRaw(call.inDialog(ok, 'BYE', 3))
  return { phone, res }
}

/** Rings reliably as one fork and takes the PRACK. */
async function ringAs(phone: Phone, invite: Message, tag: string, known?: Message) {
  phone.answer(invite, 183, { tag, body: SDP, headers: RELIABLE })
  const prack = await phone.expect('PRACK', known)
  phone.answer(prack, 200)
  return prack
}

/** A call that the application cancels when it has rung reliably. */
async function cancelledWhileRinging(stage: Stage) {
  const sent = Promise.withResolvers<Req>()
  const cbRequest = (_error: unknown, request: Req): void => {
    sent.resolve(request)
  }
  const options = { headers: { Supported: '100rel' } }
  const { outcome, phone } = await placedCall(stage, options, { cbRequest })
  const invite = await phone.expect('INVITE')
  await ringAs(phone, invite, 'phonetag')
  ;(await sent.promise).cancel()
  return { invite, outcome, phone }
}

/** What comes about where one side is forked, hidden, silent or too quick. */
export const EDGE_CASES: readonly Case[] = [
  {
    name: 'a caller whose Contact leads nowhere gets the BYE where its INVITE came from',
    run: async (stage) => {
      const { dialog, phone } = await answeredCall(stage, hidden)
      const over = dialog.destroy()
      phone.answer(await phone.expect('BYE'), 200)
      await over
    },
    differs: {
      why: 'drachtio-server tells the application that the BYE was sent, and the caller stays on the line',
      run: async (stage) => {
        const { dialog, phone } = await answeredCall(stage, hidden)
        await dialog.destroy()
        assert.deepEqual(phone.inbox, [])
      },
    },
  },
  {
    name: 'a phone whose Contact leads nowhere gets ACK and BYE where its answer came from',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage)
      phone.answer(await phone.expect('INVITE'), 200, { body: SDP, contact: ELSEWHERE })
      await phone.expect('ACK')
      const over = (await dialogOf(outcome)).destroy()
      phone.answer(await phone.expect('BYE'), 200)
      await over
    },
    differs: {
      why: 'drachtio-server sends neither and says it has: the phone repeats its answer and gives up',
      run: async (stage) => {
        const { outcome, phone } = await placedCall(stage)
        phone.answer(await phone.expect('INVITE'), 200, { body: SDP, contact: ELSEWHERE })
        await (await dialogOf(outcome)).destroy()
        assert.deepEqual(phone.inbox, [])
      },
    },
  },
  {
    name: 'no number is used twice where two forks ring reliably and the first answers',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage, { headers: { Supported: '100rel' } })
      const invite = await phone.expect('INVITE')
      const first = await ringAs(phone, invite, 'first')
      const second = await ringAs(phone, invite, 'second', first)
      phone.answer(invite, 200, { body: SDP, tag: 'first' })
      await phone.expect('ACK')
      const over = (await dialogOf(outcome)).destroy()
      const bye = await phone.expect('BYE')
      phone.answer(bye, 200)
      await over
      assert.equal(bye.toTag, 'first')
      assert.deepEqual(
        [first, second, bye].map(({ cseq }) => cseq - invite.cseq),
        [1, 2, 3],
      )
    },
    differs: {
      why: 'drachtio-server does not hand the second fork over, which is never acknowledged',
      run: async (stage) => {
        const { outcome, phone } = await placedCall(stage, { headers: { Supported: '100rel' } })
        const invite = await phone.expect('INVITE')
        await ringAs(phone, invite, 'first')
        phone.answer(invite, 183, { tag: 'second', body: SDP, headers: RELIABLE })
        phone.answer(invite, 200, { body: SDP, tag: 'first' })
        await phone.expect('ACK')
        const over = (await dialogOf(outcome)).destroy()
        const bye = await phone.expect('BYE')
        phone.answer(bye, 200)
        await over
        assert.equal(bye.cseq - invite.cseq, 2)
      },
    },
  },
  {
    name: 'a CANCEL that a phone ignores that has rung reliably ends the call with 487',
    run: async (stage) => {
      const { outcome, phone } = await cancelledWhileRinging(stage)
      phone.answer(await phone.expect('CANCEL'), 200)
      assert.equal(((await outcome).error as { status?: number }).status, 487)
    },
    differs: {
      why: 'drachtio-server waits for the phone',
      run: async (stage) => {
        const { invite, outcome, phone } = await cancelledWhileRinging(stage)
        phone.answer(await phone.expect('CANCEL'), 200)
        phone.answer(invite, 486)
        assert.equal(((await outcome).error as { status?: number }).status, 486)
      },
    },
  },
  {
    name: 'a re-INVITE that its own BYE overtakes gets 487, whatever the application says later',
    run: async (stage) => {
      const { phone, res } = await hangUpWhileAsked(stage)
      await phone.expect('487 INVITE')
      await phone.expect('200 BYE')
      const late = Promise.withResolvers<unknown>()
      res.send(200, { body: SDP }, (error: unknown) => {
        late.resolve(error)
      })
      assert.equal(await late.promise, 'Response not sent due to unknown transaction')
    },
    differs: {
      why: 'drachtio-server answers it 500',
      run: async (stage) => {
        const { phone } = await hangUpWhileAsked(stage)
        await phone.expect('500 INVITE')
        await phone.expect('200 BYE')
      },
    },
  },
]
